"""What the queue does not accept is sent again, and reported in the end."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fusion_billing.errors import Unavailable
from fusion_billing.messaging.queue import ONCE, Queue
from fusion_billing.messaging.rating_messages import sweep_jobs
from fusion_billing.messaging.relay_messages import LinesJob
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.retry import RetryPolicy

AT_ONCE = RetryPolicy(max_attempts=3, first_pause=0)


class Sqs:
    """Refuses the first `failures` entries that it is sent."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error
        self.calls: list[list[dict[str, Any]]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "url"
        if self.error is not None:
            raise self.error
        self.calls.append(Entries)
        failed = Entries[: self.failures]
        self.failures -= len(failed)
        return {"Failed": [{"Id": entry["Id"]} for entry in failed]}


def _queue(sqs: Sqs, retry: RetryPolicy = AT_ONCE) -> Queue:
    return Queue(sqs, "url", retry=retry)  # type: ignore[arg-type]


def test_ten_messages_go_in_one_call() -> None:
    sqs = Sqs()
    assert _queue(sqs).send(sweep_jobs()) == 16
    assert [len(call) for call in sqs.calls] == [10, 6]
    assert json.loads(sqs.calls[0][1]["MessageBody"]) == {"job": "sweep", "list_shard": 1}


def test_only_what_was_not_accepted_is_sent_again() -> None:
    sqs = Sqs(failures=4)
    assert _queue(sqs).send(sweep_jobs()[:10]) == 10
    assert [len(call) for call in sqs.calls] == [10, 4]


def test_a_queue_that_keeps_refusing_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="did not accept 1 messages"):
        _queue(Sqs(failures=100)).send([LinesJob()])


def test_a_queue_that_cannot_be_reached_is_unavailable() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessageBatch")
    with pytest.raises(Unavailable, match="cannot be reached"):
        _queue(Sqs(error=error)).send([LinesJob()])


def test_messages_are_delayed() -> None:
    sqs = Sqs()
    _queue(sqs).send([LinesJob()], delay_seconds=10)
    _queue(sqs).send([LinesJob()])
    assert [call[0]["DelaySeconds"] for call in sqs.calls] == [10, 0]


def test_a_wake_up_that_is_lost_raises_nothing() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessageBatch")
    WakeUps(Sqs(error=error), "url").now(["ep_1"])  # type: ignore[arg-type]
    assert ONCE.max_attempts == 1
