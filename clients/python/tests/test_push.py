import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fusion_billing_client import Client
from fusion_billing_client._sync import usage as usage_module


def test_records_get_keys_and_unavailable_ones_are_sent_again_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "pause", lambda _: None)

    def reply(outcomes: list[str]) -> Callable[[httpx.Request], httpx.Response]:
        return lambda _: httpx.Response(
            207,
            json={
                "results": [
                    {"index": index, "idempotency_key": "k", "outcome": outcome, "revision": 1}
                    for index, outcome in enumerate(outcomes)
                ]
            },
        )

    replies = iter([reply(["created", "unavailable", "unavailable"]), reply(["updated", "stale"])])
    sent: list[list[dict[str, Any]]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["records"])
        return next(replies)(request)

    client = Client("https://x.example", "k", http=httpx.Client(transport=httpx.MockTransport(respond)))
    results = client.usage.push([{"quantity": 1}, {"quantity": 2}, {"quantity": 3}])

    assert [(result.index, result.outcome) for result in results.results] == [
        (0, "created"),
        (1, "updated"),
        (2, "stale"),
    ]
    assert len({record["idempotency_key"] for record in sent[0]}) == 3
    assert sent[1] == sent[0][1:]


@pytest.mark.parametrize("by_window", [False, True], ids=["by key", "by window"])
def test_a_later_record_waits_for_an_earlier_one_that_was_not_stored(
    monkeypatch: pytest.MonkeyPatch, *, by_window: bool
) -> None:
    """Or it would be stored first, and the earlier quantity would replace it."""
    monkeypatch.setattr(usage_module, "pause", lambda _: None)
    stored: list[int] = []
    requests = 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        results = []
        for index, record in enumerate(json.loads(request.content)["records"]):
            is_stored = record["metric"] != "calls" or requests > 1
            results.append({"index": index, "outcome": "created" if is_stored else "unavailable", "revision": 1})
            if is_stored and record["metric"] == "calls":
                stored.append(record["quantity"])
        return httpx.Response(207, json={"results": results})

    first, second = ({"metric": "calls", "quantity": quantity} for quantity in (1, 2))
    others: list[dict[str, Any]] = [{"metric": "seats", "quantity": number} for number in range(600)]
    if not by_window:
        first["idempotency_key"] = second["idempotency_key"] = "k"
    client = Client("https://x.example", "k", http=httpx.Client(transport=httpx.MockTransport(respond)))

    results = client.usage.push([first, *others, second], by_window=by_window)

    assert stored == [1, 2]
    assert results.summary == {"created": 602}
    assert [result.index for result in results.results] == list(range(602))


def test_a_record_that_waits_to_the_end_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "pause", lambda _: None)

    def respond(request: httpx.Request) -> httpx.Response:
        records = json.loads(request.content)["records"]
        results = [{"index": index, "outcome": "unavailable"} for index in range(len(records))]
        return httpx.Response(207, json={"results": results})

    client = Client("https://x.example", "k", http=httpx.Client(transport=httpx.MockTransport(respond)))
    results = client.usage.push({"metric": "calls", "idempotency_key": "k", "quantity": 1} for _ in range(501))
    assert results.summary == {"unavailable": 501}
    assert results.results[500].error is not None
    assert results.results[500].error.code == "unavailable"


def test_any_number_of_records_is_pushed_in_batches() -> None:
    sizes: list[int] = []

    def respond(request: httpx.Request) -> httpx.Response:
        records = json.loads(request.content)["records"]
        sizes.append(len(records))
        results = [{"index": index, "outcome": "created"} for index in range(len(records))]
        return httpx.Response(200, json={"results": results})

    client = Client("https://x.example", "k", http=httpx.Client(transport=httpx.MockTransport(respond)))
    results = client.usage.push({"quantity": number} for number in range(1_201))
    assert sizes == [500, 500, 201]
    assert [result.index for result in results.results] == list(range(1_201))
    assert results.summary == {"created": 1_201}
