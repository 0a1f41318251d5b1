"""A chain of messages is counted from message to message, and begins anew where no message led to it."""

from collections.abc import Iterator
from typing import Any

import pytest

from fusion_billing.messaging.hops import HOPS, MAX_HOPS, is_too_long, of
from fusion_billing.messaging.queue import Queue
from fusion_billing.messaging.relay_messages import LinesJob


class Sqs:
    """Keeps the entries that it is sent."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        del QueueUrl
        self.entries += Entries
        return {}


def record(hops: object) -> dict[str, Any]:
    return {"messageAttributes": {"hops": {"dataType": "Number", "stringValue": str(hops)}}}


@pytest.fixture(autouse=True)
def _no_chain() -> Iterator[None]:
    HOPS.receive([])
    yield
    HOPS.receive([])


def sent() -> dict[str, Any]:
    sqs = Sqs()
    Queue(sqs, "url").send([LinesJob()])  # type: ignore[arg-type]
    [entry] = sqs.entries
    return entry


def test_a_schedule_and_a_request_begin_a_chain() -> None:
    assert "MessageAttributes" not in sent()
    assert of({"messageAttributes": {}}) == of({}) == 1


def test_a_message_sent_while_another_is_done_is_one_further() -> None:
    HOPS.receive([record(4), {}, record(6)])

    assert sent()["MessageAttributes"] == {"hops": {"DataType": "Number", "StringValue": "7"}}


def test_the_next_invocation_without_messages_begins_anew() -> None:
    HOPS.receive([record(4)])
    HOPS.receive([])

    assert "MessageAttributes" not in sent()


@pytest.mark.parametrize(("hops", "too_long"), [(MAX_HOPS, False), (MAX_HOPS + 1, True), ("-5", False), ("x", False)])
def test_the_longest_chain_is_done_and_one_further_is_not(hops: object, too_long: bool) -> None:
    assert is_too_long(record(hops)) is too_long
