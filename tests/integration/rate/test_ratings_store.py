"""The ratings' store against the engine itself: versions, digests, freezing, the line's due time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.billing.decisions import NewVersion, SameVersion, decide
from fusion_billing.billing.rating import ComputedRating, RatingKey, StoredRating, computed_rating
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.order_line_items import Put
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.errors import VersionConflict
from local.capacity import Consumed
from local.tables import Tables
from tests.rating_documents import CHARGE, document

pytestmark = pytest.mark.integration

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = RatingKey("42", NOVEMBER, "api_calls")
ORDER = 4711
Doc = Callable[[str], ComputedRating]


@pytest.fixture
def store(dynamodb: DynamoDBClient, tables: Tables) -> RatingsStore:
    return RatingsStore(dynamodb, tables.ratings, line_partitions=8)


def _rated(units: str, amount: str, key: RatingKey = KEY, **more: Any) -> ComputedRating:
    return computed_rating(key, document(units=units, amount=amount, **more))


def _put(store: RatingsStore, rated: ComputedRating, *, now: datetime = NOW) -> StoredRating:
    stored = store.get(rated.key)
    decision = decide(rated, stored, period="open", has_usage=True)
    assert decision is not None
    store.save(decision, stored=stored, odoo_order_id=ORDER, now=now)
    found = store.get(rated.key)
    assert found is not None
    return found


def _item(dynamodb: DynamoDBClient, tables: Tables, stored: StoredRating) -> dict[str, Any]:
    key = {"pk": {"S": "R#42#2026-11-01T00:00:00Z"}, "sk": {"S": stored.key.name}}
    return dynamodb.get_item(TableName=tables.ratings, Key=key, ConsistentRead=True)["Item"]


def _acknowledge(dynamodb: DynamoDBClient, tables: Tables, stored: StoredRating, amount: str) -> None:
    """Do as the relay does once Odoo has taken a line."""
    lines = LineStore(dynamodb, tables.ratings)
    assert lines.sent(lines.get(stored.key), Put(9, ORDER, amount, ""), NOW) == "sent"


def test_a_rating_is_written_and_read_back(store: RatingsStore) -> None:
    stored = _put(store, _rated("1250", "1.00"))
    assert (stored.key, stored.version, stored.amount) == (KEY, 1, Decimal("1.00"))
    assert stored.document.units == "1250"
    assert [(one.version, one.units, one.amount) for one in stored.history] == [(1, "1250", "1.00")]
    assert (stored.line.state, stored.line.amount, stored.frozen) == ("due", None, False)


def test_a_new_version_keeps_what_odoo_acknowledged_and_is_due_again(
    store: RatingsStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    first = _put(store, _rated("1250", "1.00"))
    _acknowledge(dynamodb, tables, first, "1.00")
    later = NOW + timedelta(hours=1)
    second = _put(store, _rated("1500", "2.00"), now=later)
    assert (second.version, second.line.state, second.line.amount, second.line.id) == (
        2,
        "due",
        Decimal(1),
        9,
    )
    [line], _ = LineStore(dynamodb, tables.ratings).due(line_partition(ORDER, 8), later, 10)
    assert (line.version, line.at) == (2, "2026-11-20T13:00:00.000000Z")
    assert [one.amount for one in second.history] == ["1.00", "2.00"]


def test_a_writer_that_was_overtaken_gets_a_version_conflict(store: RatingsStore) -> None:
    stored = _put(store, _rated("1", "0.10"))
    _put(store, _rated("2", "0.20"))
    late = decide(_rated("1.5", "0.15"), stored, period="open", has_usage=True)
    assert isinstance(late, NewVersion)
    with pytest.raises(VersionConflict):
        store.save(late, stored=stored, odoo_order_id=ORDER, now=NOW)
    found = store.get(KEY)
    assert found is not None
    assert (found.version, found.amount) == (2, Decimal("0.20"))


def test_two_first_writers_make_one_rating(store: RatingsStore) -> None:
    decision = decide(_rated("1", "0.10"), None, period="open", has_usage=True)
    assert decision is not None
    store.save(decision, stored=None, odoo_order_id=ORDER, now=NOW)
    with pytest.raises(VersionConflict):
        store.save(decision, stored=None, odoo_order_id=ORDER, now=NOW)


def test_a_frozen_rating_never_changes_and_is_due_no_more(
    store: RatingsStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    stored = _put(store, _rated("1", "0.10"))
    store.freeze(stored)
    frozen = store.get(KEY)
    assert frozen is not None
    assert (frozen.frozen, frozen.version, frozen.line.state, frozen.billed) == (True, 1, None, Decimal(0))
    assert "line_pk" not in _item(dynamodb, tables, stored)
    late = decide(_rated("2", "0.20"), stored, period="open", has_usage=True)
    assert isinstance(late, NewVersion)
    with pytest.raises(VersionConflict):
        store.save(late, stored=stored, odoo_order_id=ORDER, now=NOW)
    with pytest.raises(VersionConflict):
        store.freeze(stored)


def test_freezing_keeps_what_odoo_acknowledged_as_billed(
    store: RatingsStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    sent = _put(store, _rated("1250", "1.00"))
    _acknowledge(dynamodb, tables, sent, "1.00")
    store.freeze(_put(store, _rated("1500", "2.00")))
    frozen = store.get(KEY)
    assert frozen is not None
    assert (frozen.amount, frozen.billed, frozen.line.state) == (Decimal(2), Decimal(1), "sent")


def test_the_history_holds_the_latest_fifty_versions(store: RatingsStore) -> None:
    for units in range(1, 53):
        _put(store, _rated(str(units), "1.00"))
    last = _put(store, _rated("53", "1.00"))
    assert last.version == 53
    assert [one.version for one in last.history] == list(range(4, 54))


def _five_tiers(units: str, amount: str) -> ComputedRating:
    """Return a rating whose document has five tiers and their steps: 1,600 bytes as text."""
    tiers = [
        {"up_to": bound, "unit_amount": price, "flat_amount": "0"}
        for bound, price in (
            ("1000", "0.01"),
            ("10000", "0.008"),
            ("100000", "0.006"),
            ("1000000", "0.004"),
            (None, "0.002"),
        )
    ]
    steps = [
        {
            "description": f"Tier {number} (up to {tier['up_to']}): {number * 900} units at {tier['unit_amount']} each",
            "units": str(number * 900),
            "unit_amount": str(tier["unit_amount"]),
            "amount": f"{number * 72.5}",
        }
        for number, tier in enumerate(tiers, 1)
    ]
    price = {**CHARGE, "model": {"type": "graduated", "tiers": tiers}}
    return _rated(units, amount, steps=steps, priced_by=[price], names={"de_DE": "API-Aufrufe"})


def test_a_rating_costs_a_unit_with_a_full_history_too_and_the_lines_of_its_period_another(
    store: RatingsStore, tables: Tables, metered: tuple[DynamoDBClient, Consumed]
) -> None:
    client, consumed = metered
    for number in range(50):
        now = NOW + timedelta(hours=number)
        _put(store, _five_tiers(f"{100_000 + number * 731}.5", f"{1_250 + number}.00"), now=now)
    [line], _ = LineStore(client, tables.ratings).due(line_partition(ORDER, 8), NOW + timedelta(hours=50), 10)
    assert LineStore(client, tables.ratings).sent(line, Put(None, None, str(line.amount), ""), NOW) == "sent"
    consumed.clear()
    _put(
        RatingsStore(client, tables.ratings, line_partitions=8),
        _five_tiers("190000.5", "1500.00"),
        now=NOW + timedelta(hours=51),
    )
    assert consumed.operations == ["BatchGetItem", "UpdateItem", "UpdateItem", "BatchGetItem"]
    assert consumed.units(tables.ratings) == 1 + (1 + 1) + 2 * 2


def test_a_threshold_raised_alone_makes_no_new_version(store: RatingsStore) -> None:
    stored = _put(store, _rated("1", "0.10"))
    told = replace(_rated("1", "0.10"), thresholds=frozenset({"included:80"}))
    decision = decide(told, stored, period="open", has_usage=True)
    assert isinstance(decision, SameVersion)
    store.save(decision, stored=stored, odoo_order_id=ORDER, now=NOW)
    found = store.get(KEY)
    assert found is not None
    assert (found.version, found.raised, found.line.state) == (1, frozenset({"included:80"}), "due")


def test_a_period_lists_its_ratings_and_the_adjustments_billed_in_it(store: RatingsStore) -> None:
    october = replace(KEY, corrects=datetime(2026, 10, 1, tzinfo=UTC))
    _put(store, _rated("1", "0.10"))
    _put(store, _rated("9", "-0.30", october))
    assert [one.key for one in store.in_period("42", NOVEMBER)] == [KEY, october]
    both = store.get_many([october, KEY, replace(KEY, charge="other")])
    assert {key: one.amount for key, one in both.items()} == {KEY: Decimal("0.10"), october: Decimal("-0.30")}


def test_a_transaction_writes_the_rating_and_its_events_or_neither(
    store: RatingsStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    event = {"Put": {"TableName": tables.webhooks, "Item": {"pk": {"S": "E#msg_1"}, "sk": {"S": "EVENT"}}}}
    decision = decide(_rated("1", "0.10"), None, period="open", has_usage=True)
    assert decision is not None
    store.save(decision, stored=None, odoo_order_id=ORDER, now=NOW, events=[event])
    other = {"Put": {"TableName": tables.webhooks, "Item": {"pk": {"S": "E#msg_2"}, "sk": {"S": "EVENT"}}}}
    with pytest.raises(VersionConflict):
        store.save(decision, stored=None, odoo_order_id=ORDER, now=NOW, events=[other])
    events = dynamodb.query(
        TableName=tables.webhooks,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "E#msg_2"}},
    )
    assert events["Count"] == 0
