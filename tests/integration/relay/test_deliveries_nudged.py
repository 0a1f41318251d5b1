"""WakeUps for endpoints, as the queue hands them over."""

import json
from typing import Any

import pytest

from functions.relay import handler, jobs


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def records(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": str(index), "body": body} for index, body in enumerate(bodies)]}


def wake_up(endpoint: Any) -> str:
    return json.dumps({"job": "deliveries", "endpoint": endpoint})


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    def send(_: Any, endpoints: Any = None) -> dict[str, Any]:
        asked.append(endpoints)
        return {}

    monkeypatch.setattr(jobs, "send_deliveries", send)
    return asked


def test_all_endpoints_of_a_batch_are_served_in_one_run(served: list[Any]) -> None:
    answer = handler.handler(records(wake_up("ep_b"), wake_up("ep_a"), wake_up("ep_b")), Context())
    assert answer == {"batchItemFailures": []}
    assert served == [("ep_a", "ep_b")]


def test_a_nudge_that_names_none_serves_all(served: list[Any]) -> None:
    handler.handler(records(json.dumps({"job": "deliveries"})), Context())
    assert served == [None]


def test_a_run_that_fails_has_all_its_nudges_come_again_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> dict[str, Any]:
        raise RuntimeError

    monkeypatch.setattr(jobs, "send_deliveries", fail)
    monkeypatch.setattr(jobs, "lines", lambda *_: {})
    answer = handler.handler(records(wake_up("ep_a"), json.dumps({"job": "lines"}), wake_up("ep_b")), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}, {"itemIdentifier": "2"}]}


@pytest.mark.parametrize("body", ["nonsense", "[]", '"x"', '{"job": "nothing"}'])
def test_a_message_that_is_none_is_reported_and_costs_the_others_nothing(served: list[Any], body: str) -> None:
    answer = handler.handler(records(body, wake_up("ep_a")), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert served == [("ep_a",)]
