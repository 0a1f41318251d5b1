"""An hour too long for one worker goes on over more messages than Lambda allows a loop that it was not told of."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.rate import dependencies, handler
from fusion_billing.messaging.hops import HOPS, MAX_HOPS
from fusion_billing.messaging.queue import Queue
from fusion_billing.messaging.rating_messages import HourJob
from tests.fakes.lambda_and_sqs import LAMBDAS_LIMIT, LambdaAndSqs
from tests.fakes.rating_world import RatingWorld
from tests.unit.rate.test_worker import HOUR, subscribe_many
from tests.unit.template.conftest import TEMPLATE


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "rate")
    monkeypatch.setattr("functions.rate.worker._PAIRS", 1)
    yield
    HOPS.receive([])


def deployed(world: RatingWorld, monkeypatch: pytest.MonkeyPatch, *, allowed: bool) -> LambdaAndSqs:
    service = LambdaAndSqs(handler.handler, allowed)
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
