"""Wake-up messages for endpoints, as SQS delivers them to the relay."""

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


def test_a_wake_up_without_endpoints_serves_all(served: list[Any]) -> None:
    handler.handler(records(json.dumps({"job": "deliveries"})), Context())
    assert served == [None]


def test_a_failed_run_returns_its_wake_ups_to_the_queue_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> dict[str, Any]:
        raise RuntimeError

    monkeypatch.setattr(jobs, "send_deliveries", fail)
    monkeypatch.setattr(jobs, "lines", lambda *_: {})
    answer = handler.handler(records(wake_up("ep_a"), json.dumps({"job": "lines"}), wake_up("ep_b")), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}, {"itemIdentifier": "2"}]}


@pytest.mark.parametrize("body", ["nonsense", "[]", '"x"', '{"job": "nothing"}'])
def test_an_unreadable_message_is_reported_and_does_not_fail_the_others(served: list[Any], body: str) -> None:
    answer = handler.handler(records(body, wake_up("ep_a")), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert served == [("ep_a",)]
