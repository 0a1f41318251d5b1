"""A rating that is too large or fails costs no other pair, charge or customer anything."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from functions.rate.rater import Rater
from functions.rate.rating_writer import Writer
from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

MONTH = "2026-11"


class _Queue:
    """The relay's queue, which takes everything."""

    @staticmethod
    def send_message_batch(*, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


def _grouped(world: "World", groups: int, id_: str = "42", *, key: str = "g") -> None:
    """Store one unit for each of so many regions."""
    start = datetime(2026, 11, 3, tzinfo=UTC)
    items = [
        {
            "PutRequest": {
                "Item": {
                    "pk": {"S": f"U#src_1#{id_}:{key}:{number}"},
                    "pair": {"S": f"{id_}#seats"},
                    "ws": {"S": sortable(start)},
                    "we": {"S": rfc3339(start + timedelta(days=1))},
                    "q": {"N": "1"},
                    "rev": {"N": "1"},
                    "prop": {"S": json.dumps({"region": f"region-{number:05d}"})},
                }
            }
        }
        for number in range(groups)
    ]
    for first in range(0, len(items), 25):
        world.client.batch_write_item(RequestItems={world.tables.usage: items[first : first + 25]})  # type: ignore[dict-item]


def _seats(world: "World", **fields: Any) -> None:
    world.metric("seats")
    world.charge(
        "seats",
        metric="seats",
        included_units="0",
        group_by=["region"],
        model={"type": "per_unit", "unit_amount": "0.20"},
        **fields,
    )


@pytest.fixture(params=[False, True], ids=["nobody listens", "an endpoint listens"])
def rater(request: pytest.FixtureRequest, small_world: "World") -> Rater:
    if not request.param:
        return small_world.rater()
    endpoint = Endpoint(
        id="ep_1",
        source="src_1",
        url="https://example.com/hook",
        events=("*",),
        description="",
        secrets=(SealedSecret(b"sealed", small_world.now),),
        created_at=small_world.now,
    )
    EndpointStore(small_world.client, small_world.tables.webhooks).create(endpoint)
    queue: Any = _Queue()
    outbox = build_outbox(small_world.client, queue, table=small_world.tables.webhooks, queue_url="relay")
    return Rater(small_world.sources(), small_world.ratings, Writer(small_world.ratings, outbox, small_world.now))


def test_two_thousand_groups_are_rated_without_failing_other_pairs(small_world: "World", rater: Rater) -> None:
    _seats(small_world)
    small_world.subscribe("43")
    _grouped(small_world, 2_000)
    small_world.push("25", id_="43")
    rater.rate_pairs([ChangedPair("42", "seats", MONTH), ChangedPair("43", "api_calls", MONTH)])
    stored = small_world.rating(charge="seats")
    assert (stored.amount, small_world.reported) == (Decimal(400), [])
    assert small_world.rating(id_="43").amount == Decimal("1.50")
    assert len(stored.document_json) < 40_000
    assert sum(Decimal(step.amount) for step in stored.document.steps) == Decimal(400)
    steps = small_world.ratings.whole(stored).steps
    assert sum(Decimal(step.amount) for step in steps) == Decimal(400)
    assert len(steps) >= 2_000


def test_a_large_rating_is_not_written_again_and_follows_its_usage(small_world: "World", rater: Rater) -> None:
    _seats(small_world)
    _grouped(small_world, 2_000)
    pair = ChangedPair("42", "seats", MONTH)
    rater.rate_pairs([pair])
    small_world.rater().rate_pairs([pair])
    assert small_world.rating(charge="seats").version == 1
    _grouped(small_world, 1_000, key="more")
    small_world.rater().rate_pairs([pair])
    stored = small_world.rating(charge="seats")
    assert (stored.version, stored.amount) == (2, Decimal(600))
    steps = small_world.ratings.whole(stored).steps
    assert sum(Decimal(step.amount) for step in steps) == Decimal(600)
    parts = [one for one in _items(small_world) if one["pk"]["S"].startswith("PARTS#")]
    assert {one["sk"]["S"].partition("#")[0] for one in parts} == {stored.parts}  # the old version's are gone


def test_a_large_rating_that_becomes_small_leaves_no_parts(small_world: "World") -> None:
    _seats(small_world)
    _grouped(small_world, 2_000)
    small_world.rate(ChangedPair("42", "seats", MONTH))
    small_world.charge("seats", metric="seats", included_units="0", model={"type": "per_unit", "unit_amount": "0.20"})
    small_world.rate(ChangedPair("42", "seats", MONTH))
    stored = small_world.rating(charge="seats")
    assert (stored.version, stored.amount, stored.parts) == (2, Decimal(400), None)
    assert not [one for one in _items(small_world) if one["pk"]["S"].startswith("PARTS#")]


def test_late_usage_of_a_large_rating_is_adjusted(small_world: "World") -> None:
    _seats(small_world)
    _grouped(small_world, 2_000)
    small_world.rate(ChangedPair("42", "seats", MONTH))
    small_world.acknowledge(charge="seats")
    small_world.invoice("2027-01-01")
    small_world.do({"job": "subscription", "id": "42"})
    _grouped(small_world, 500, key="late")
    small_world.rate(ChangedPair("42", "seats", MONTH))
    adjusted = small_world.rating("2026-12-01", "seats", corrects="2026-11-01")
    assert (adjusted.amount, small_world.reported) == (Decimal(100), [])
    assert len(adjusted.document_json) < 40_000
    whole = small_world.ratings.whole(adjusted)
    assert whole.corrects is not None
    assert sum(Decimal(step.amount) for step in whole.corrects.steps) == Decimal(500)


def _items(world: "World") -> list[dict[str, Any]]:
    return world.client.scan(TableName=world.tables.ratings)["Items"]


class _Refusing:
    """A client that refuses writes which name some text, as DynamoDB does what it can't take."""

    def __init__(self, world: "World", text: str, code: str) -> None:
        self._client, self._text, self._code = world.client, text, code

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in {"put_item", "update_item", "transact_write_items"}:
            return method

        def call(**request: Any) -> Any:
            if self._text in str(request):
                raise ClientError({"Error": {"Code": self._code, "Message": "refused"}}, name)
            return method(**request)

        return call


@pytest.mark.parametrize("code", ["ValidationException", "ProvisionedThroughputExceededException"])
def test_a_rating_that_cannot_be_written_with_its_events_does_not_fail_the_others(
    small_world: "World", code: str
) -> None:
    for id_ in ("43", "44"):
        small_world.subscribe(id_)
        small_world.push("25", id_=id_)
    small_world.push("25")
    endpoint = Endpoint(
        id="ep_1",
        source="src_1",
        url="https://example.com/hook",
        events=("*",),
        description="",
        secrets=(SealedSecret(b"sealed", small_world.now),),
        created_at=small_world.now,
    )
    EndpointStore(small_world.client, small_world.tables.webhooks).create(endpoint)
    queue: Any = _Queue()
    outbox = build_outbox(small_world.client, queue, table=small_world.tables.webhooks, queue_url="relay")
    refusing: Any = _Refusing(small_world, "R#43#", code)
    ratings = RatingsStore(refusing, small_world.tables.ratings, line_partitions=8)
    rater = Rater(small_world.sources(), ratings, Writer(ratings, outbox, small_world.now))
    rater.rate_pairs([ChangedPair(id_, "api_calls", MONTH) for id_ in ("42", "43", "44")])
    assert small_world.rating().amount == Decimal("1.50")
    assert small_world.rating(id_="44").amount == Decimal("1.50")
    assert [pair.subscription for pair, _ in small_world.reported] == ["43"]
    small_world.rate_hour()  # it was put back
    assert small_world.rating(id_="43").amount == Decimal("1.50")


def test_ten_thousand_groups_are_rated_and_one_more_is_an_error_of_that_charge_alone(
    small_world: "World",
) -> None:
    _seats(small_world)
    small_world.charge("whole", metric="seats", included_units="0", model={"type": "per_unit", "unit_amount": "1"})
    _grouped(small_world, 10_000)
    pair = ChangedPair("42", "seats", MONTH)
    small_world.rate(pair)
    stored = small_world.rating(charge="seats")
    assert (stored.amount, small_world.reported) == (Decimal(2_000), [])
    assert small_world.ratings.whole(stored).units == "10000"
    small_world.client.put_item(
        TableName=small_world.tables.usage,
        Item={
            "pk": {"S": "U#src_1#one-more"},
            "pair": {"S": "42#seats"},
            "ws": {"S": "2026-11-04T00:00:00.000000Z"},
            "we": {"S": "2026-11-05T00:00:00Z"},
            "q": {"N": "1"},
            "rev": {"N": "1"},
        },
    )
    small_world.rate(pair)
    assert small_world.rating(charge="whole").amount == Decimal(10_001)
    assert small_world.rating(charge="seats") == stored
    assert [error.code for _, error in small_world.reported] == ["too_many_groups"]  # type: ignore[attr-defined]
