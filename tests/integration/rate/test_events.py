"""A rating and the events that tell of it are written in one transaction, and each is told once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from functions.rate.rater import Rater
from functions.rate.rating_writer import Writer
from fusion_billing.application.outbox import Outbox
from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret
from local.tables import Tables

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration


@dataclass
class Queue:
    """The relay's queue."""

    bodies: list[dict[str, Any]] = field(default_factory=list)

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.bodies += [json.loads(entry["MessageBody"]) for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


@pytest.fixture
def listened(small_world: "World", tables: Tables) -> "World":
    """A world in which one endpoint listens to everything."""
    endpoint = Endpoint(
        id="ep_1",
        source="src_1",
        url="https://example.com/hook",
        events=("*",),
        description="",
        secrets=(SealedSecret(b"sealed", small_world.now),),
        created_at=small_world.now,
    )
    EndpointStore(small_world.client, tables.webhooks).create(endpoint)
    return small_world


def _outbox(world: "World", queue: Any) -> Outbox:
    return build_outbox(world.client, queue, table=world.tables.webhooks, queue_url="relay")


def _rate(world: "World", queue: Queue) -> Rater:
    outbox = _outbox(world, queue)
    rater = Rater(world.sources(), world.ratings, Writer(world.ratings, outbox, world.now))
    rater.rate_pairs([ChangedPair("42", "api_calls", "2026-11")])
    return rater


def _told(world: "World") -> list[dict[str, Any]]:
    """Return the bodies of the events that are to be delivered, oldest first."""
    deliveries = world.client.query(
        TableName=world.tables.webhooks,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "W#ep_1"}},
    )["Items"]
    bodies = []
    for delivery in deliveries:
        key = {"pk": {"S": f"E#{delivery['sk']['S']}"}, "sk": {"S": "EVENT"}}
        body: dict[str, Any] = world.client.get_item(TableName=world.tables.webhooks, Key=key)["Item"]["body"]  # type: ignore[assignment]
        bodies.append(json.loads(next(iter(body.values()))))
    return bodies


def test_a_new_version_has_an_event_and_wakes_up_the_endpoint(listened: "World") -> None:
    queue = Queue()
    listened.push("25")
    _rate(listened, queue)
    told = {body["type"]: body["data"] for body in _told(listened)}
    assert set(told) == {"rating.updated", "usage.threshold_reached"}
    assert (told["rating.updated"]["amount"], told["rating.updated"]["version"]) == ("1.50", 1)
    assert listened.rating().line.state == "due"
    assert queue.bodies[0]["endpoint"] == "ep_1"


def test_an_unchanged_rating_has_no_event(listened: "World") -> None:
    queue = Queue()
    listened.push("25")
    _rate(listened, queue)
    before = len(_told(listened))
    _rate(listened, queue)
    assert len(_told(listened)) == before


def test_an_overtaken_writer_publishes_no_event(listened: "World") -> None:
    listened.push("25")
    _rate(listened, Queue())
    listened.push("40")

    class Slow:
        """Ratings that somebody else writes between being read and being written."""

        def __init__(self) -> None:
            self.first = True

        def __getattr__(self, name: str) -> Any:
            if name == "save" and self.first:
                self.first = False
                _rate(listened, Queue())
            return getattr(listened.ratings, name)

    outbox = _outbox(listened, Queue())
    slow: Any = Slow()
    rater = Rater(listened.sources(), slow, Writer(slow, outbox, listened.now))
    rater.rate_pairs([ChangedPair("42", "api_calls", "2026-11")])
    versions = sorted(body["data"]["version"] for body in _told(listened) if body["type"] == "rating.updated")
    assert versions == [1, 2]
