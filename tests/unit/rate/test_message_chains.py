"""An hour too long for one worker goes on over more messages than Lambda allows a loop that it was not told of."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.rate import dependencies, handler
from fusion_billing.messaging.hops import HOPS, MAX_HOPS
from fusion_billing.messaging.queue import Queue
from fusion_billing.messaging.rating_messages import HourJob
from tests.fakes.rating_world import RatingWorld
from tests.unit.rate.test_worker import HOUR, subscribe_many
from tests.unit.template.conftest import TEMPLATE

LAMBDAS_LIMIT = 16


@dataclass
class LambdaAndSqs:
    """SQS in front of a function, with the lineage that Lambda keeps in the trace header.

    Lambda counts how often an event passed through a function, and drops it after `LAMBDAS_LIMIT` times unless the
    function's recursive loops are allowed.
    """

    loops_are_allowed: bool
    waiting: list[dict[str, Any]] = field(default_factory=list)
    done: int = 0
    dropped: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)
    _lineage: int = 0

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        del QueueUrl
        for entry in Entries:
            attributes = {
                name: {"dataType": value["DataType"], "stringValue": value["StringValue"]}
                for name, value in entry.get("MessageAttributes", {}).items()
            }
            trace = f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=7c9a2b1e:{self._lineage}"
            self.waiting.append(
                {
                    "messageId": str(self.done),
                    "body": entry["MessageBody"],
                    "messageAttributes": attributes,
                    "attributes": {"AWSTraceHeader": trace, "ApproximateReceiveCount": "1"},
                }
            )
        return {}

    def run(self, at_most: int = 10_000) -> None:
        """Deliver messages until none is left."""
        while self.waiting and self.done < at_most:
            record = self.waiting.pop(0)
            lineage = int(record["attributes"]["AWSTraceHeader"].rpartition(":")[2]) + 1
            if lineage > LAMBDAS_LIMIT and not self.loops_are_allowed:
                self.dropped += 1
                continue
            self._lineage, self.done = lineage, self.done + 1
            failures = handler.handler({"Records": [record]}, NoTime())["batchItemFailures"]
            self.failed += [record] if failures else []


class NoTime:
    """A context whose time is always nearly up, so that each worker does one page."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 1


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "rate")
    monkeypatch.setattr("functions.rate.worker._PAIRS", 1)
    yield
    HOPS.receive([])


def deployed(world: RatingWorld, monkeypatch: pytest.MonkeyPatch, *, allowed: bool) -> LambdaAndSqs:
    service = LambdaAndSqs(allowed)
    world.queue = Queue(service, "rating")  # type: ignore[arg-type, assignment]
    monkeypatch.setattr(dependencies, "worker", world.worker)
    return service


def start(world: RatingWorld) -> None:
    world.queue.send([HourJob(hour=_hour(), shard=0)])


def _hour() -> Any:
    return HourJob.from_json({"hour": HOUR, "shard": 0}).hour


def test_forty_messages_in_a_row_rate_every_pair(world: RatingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.markers.shards = 1
    ids = subscribe_many(world, 40)
    service = deployed(world, monkeypatch, allowed="RecursiveLoop: Allow" in TEMPLATE.read_text())
    start(world)
    service.run()

    assert service.done > 2 * LAMBDAS_LIMIT
    assert (service.dropped, service.failed) == (0, [])
    assert {world.rating(id_=id_).version for id_ in ids} == {1}


def test_lambda_would_drop_the_rest_if_the_loop_were_not_allowed(
    world: RatingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.markers.shards = 1
    subscribe_many(world, 40)
    service = deployed(world, monkeypatch, allowed=False)
    start(world)
    service.run()

    assert (service.done, service.dropped) == (LAMBDAS_LIMIT, 1)


def test_a_runaway_ends_among_the_dead_letters(world: RatingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    service = deployed(world, monkeypatch, allowed=True)
    endless = HourJob(hour=_hour(), shard=0)
    monkeypatch.setattr("functions.rate.worker.Worker._do", lambda *_: endless)
    start(world)
    service.run()

    assert (service.done, len(service.failed), service.waiting) == (MAX_HOPS + 1, 1, [])
    assert json.loads(service.failed[0]["body"])["job"] == "hour"
