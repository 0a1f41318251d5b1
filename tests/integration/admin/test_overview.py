"""The overview: amounts by month, plan and currency, and what needs attention; bounded however much there is."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin import overview_dependencies
from fusion_billing.billing.amount_totals import FRESH, Group, Part, PartTotals, Sum
from fusion_billing.billing.attention import FailingPair, MissingCounter
from fusion_billing.billing.planning import HOUR, hour_of, hour_text
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb.keys import rating_key
from fusion_billing.dynamodb.markers.change_markers import marker_item
from fusion_billing.dynamodb.markers.marked_counts import MarkedCount, MarkedCounts
from fusion_billing.dynamodb.ratings.rated_amounts import RatedAmounts
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.state.amount_totals import StoredTotals
from fusion_billing.dynamodb.state.failing_pairs import FailingPairs
from fusion_billing.instants import rfc3339
from local.tables import Tables
from tests.integration.admin.test_rating_lists import END
from tests.integration.admin.world import START
from tests.integration.admin.world_fixture import World
from tests.rating_items import put_rating, rating_save

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin

pytestmark = pytest.mark.integration


def complete(admin: "Admin") -> Any:
    """Return the overview once every part of the amounts is added up: one call does as much as its time allows."""
    while True:
        answer = admin.get("/v1/overview")
        assert answer.status == 200, answer.json
        shown = answer.json
        if shown["amounts_calculated_at"] is not None:
            return shown


def test_amounts_are_added_up_by_month_plan_and_currency(
    admin: "Admin", dynamodb: DynamoDBClient, tables: Tables
) -> None:
    for number in range(12):
        plan, currency = ("Pro", "USD") if number % 3 else ("Basic", "EUR")
        for charge in ("calls", "seats"):
            key = RatingKey(f"s{number}", START, charge)
            put_rating(dynamodb, tables.ratings, key, END, amount="1.10", currency=currency, plan=plan)
    shown = complete(admin)
    assert shown["amounts_calculated_at"] == shown["calculated_at"]
    assert shown["amounts_progress"] == {"added_up": 64, "parts": 64}
    common = {"period_end_month": "2026-12", "state": "open"}
    assert shown["amounts"] == [
        {**common, "plan": "Basic", "currency": "EUR", "amount": "8.80", "ratings": 8, "subscriptions": 4},
        {**common, "plan": "Pro", "currency": "USD", "amount": "17.60", "ratings": 16, "subscriptions": 8},
    ]
    assert shown["invoices_due"] == []
    admin.now = END - timedelta(days=3)
    due = complete(admin)["invoices_due"]
    assert due == [
        {"period_end": "2026-12-01", "currency": "EUR", "amount": "8.80", "subscriptions": 4},
        {"period_end": "2026-12-01", "currency": "USD", "amount": "17.60", "subscriptions": 8},
    ]
    admin.now = END + timedelta(days=2)
    assert complete(admin)["invoices_due"] == due, "what is not invoiced yet is still due"


def test_what_needs_attention_is_counted(world: World) -> None:
    shown = world.admin.get("/v1/overview").json
    assert shown["lines"]["failed"] == {"count": 1, "is_capped": False}
    assert shown["lines"]["final_invoice"] == {"count": 0, "is_capped": False}
    assert shown["failed_deliveries"] == {"count": 0, "is_capped": False}
    assert (shown["failing_endpoints"], shown["disabled_endpoints"], shown["expiring_keys"]) == ([], [], [])
    endpoint = world.requests["GET /v1/endpoints/{endpoint}"].path["endpoint"]
    world.admin.patch(f"/v1/endpoints/{endpoint}", {"state": "disabled"})
    assert world.admin.get("/v1/overview").json["disabled_endpoints"] == [endpoint]


def test_a_new_container_shows_complete_amounts_in_one_read(
    admin: "Admin", dynamodb: DynamoDBClient, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        put_rating(dynamodb, tables.ratings, RatingKey(f"s{number}", START, "calls"), END, amount="1.10")
    summed = complete(admin)["amounts"]
    overview_dependencies.amount_totals.cache_clear()
    monkeypatch.setattr(RatedAmounts, "page", None)
    admin.now += FRESH / 2
    [month] = admin.get("/v1/overview").json["amounts"]
    assert [month] == summed
    assert (month["amount"], month["ratings"]) == ("44.00", 40)


def test_stored_totals_are_read_as_they_were_added_up(dynamodb: DynamoDBClient, tables: Tables) -> None:
    stored, part = StoredTotals(dynamodb, tables.state), Part("2026-12", 3)
    group = Group(END.date(), False, "Größe/L", "KWD", opens_at=START)
    missing = [MissingCounter("42", "calls", "api_calls", START)]
    totals = PartTotals(START + timedelta(microseconds=5), {group: Sum(Decimal("1.105"), 2, 1)}, missing, 7)
    stored.put(part, totals)
    assert stored.get([part, Part("2026-12", 4)]) == {part: totals}


def test_older_totals_do_not_replace_newer_ones(dynamodb: DynamoDBClient, tables: Tables) -> None:
    stored, part = StoredTotals(dynamodb, tables.state), Part("2026-12", 3)
    for at in (START, START - timedelta(hours=1)):
        stored.put(part, PartTotals(at))
    assert stored.get([part])[part].began_at == START


def test_a_rating_of_an_earlier_release_is_added_up(dynamodb: DynamoDBClient, tables: Tables) -> None:
    key = RatingKey("s1", START, "calls")
    put_rating(dynamodb, tables.ratings, key, END, amount="1.10")
    [stored] = RatingsStore(dynamodb, tables.ratings, line_partitions=8).get_many([key]).values()
    dynamodb.update_item(
        TableName=tables.ratings,
        Key=rating_key(key),
        UpdateExpression="SET doc = :doc, frozen = :frozen REMOVE packed",
        ExpressionAttributeValues={":doc": {"S": stored.document_json}, ":frozen": {"BOOL": True}},
    )
    reader = RatedAmounts(dynamodb, tables.ratings)
    [rated] = [rated for shard in range(16) for rated in reader.page(Part("2026-12", shard), None, 500)[0]]
    assert (rated.amount, rated.is_invoiced, rated.ends) == (Decimal("1.10"), True, END.date())


def mark(client: DynamoDBClient, table: str, hour: datetime, *pairs: str) -> None:
    for names in ([f"{pair}#2026-11" for pair in pairs], [f"{pairs[0]}#2026-11"]):
        client.put_item(TableName=table, Item=marker_item(names, hour_text(hour), 16))


def test_changed_pairs_are_counted_by_hour_and_once(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables) -> None:
    hour = hour_of(admin.now)
    mark(dynamodb, tables.markers, hour - 2 * HOUR, "a#calls", "b#calls", "!c#calls", "c#calls", "d#*")
    mark(dynamodb, tables.markers, hour - 24 * HOUR, "a#calls", "a#seats")
    mark(dynamodb, tables.markers, hour, "e#calls")
    admin.now = hour + timedelta(minutes=6)
    shown: list[dict[str, Any]] = []
    while len(shown) < 24:  # a call counts for a third of a second, and goes on with the next one
        before, shown = shown, admin.get("/v1/overview").json["changed_pairs"]
        assert len(shown) > len(before)
    assert [each["hour"] for each in shown] == [rfc3339(hour - back * HOUR) for back in range(24, 0, -1)]
    assert {each["hour"]: each["count"] for each in shown if each["count"]} == {
        rfc3339(hour - 2 * HOUR): 3,
        rfc3339(hour - 24 * HOUR): 2,
    }
    # An hour that is over is counted once in its life.
    mark(dynamodb, tables.markers, hour - 2 * HOUR, "late#calls")
    assert admin.get("/v1/overview").json["changed_pairs"] == shown


def test_counting_stops_where_its_time_is_over(dynamodb: DynamoDBClient, tables: Tables) -> None:
    counts = MarkedCounts(dynamodb, markers_table=tables.markers, state_table=tables.state, shards=16)
    assert counts.count(START, lambda: False) is None
    assert counts.stored([START]) == {}
    assert counts.count(START, lambda: True) == MarkedCount(0, is_capped=False)
    assert counts.stored([START]) == {START: MarkedCount(0, is_capped=False)}


def test_counting_stops_at_its_limit(dynamodb: DynamoDBClient, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusion_billing.dynamodb.markers.marked_counts.MOST", 2)
    mark(dynamodb, tables.markers, START, "a#calls", "b#calls", "c#calls")
    counts = MarkedCounts(dynamodb, markers_table=tables.markers, state_table=tables.state, shards=16)
    assert counts.count(START, lambda: True) == MarkedCount(2, is_capped=True)
    assert counts.stored([START]) == {START: MarkedCount(2, is_capped=True)}


def test_failing_pairs_of_the_latest_hours_are_listed(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables) -> None:
    failing, hour = FailingPairs(dynamodb, tables.state), hour_of(admin.now)
    reason = "charge calls is in USD#the subscription in EUR"
    failing.note([FailingPair("42", "calls", reason), FailingPair("43", "seats", "")], hour - HOUR, is_capped=False)
    failing.note([FailingPair("42", "calls", reason)], hour, is_capped=True)
    failing.note([FailingPair("9", "calls", "corrected since")], hour - 2 * HOUR, is_capped=False)
    assert admin.get("/v1/overview").json["failing_pairs"] == {
        "count": 2,
        "is_capped": True,
        "items": [
            {"subscription": "42", "metric": "calls", "reason": reason},
            {"subscription": "43", "metric": "seats", "reason": ""},
        ],
    }
    admin.now += 2 * HOUR
    assert admin.get("/v1/overview").json["failing_pairs"] == {"count": 0, "is_capped": False, "items": []}


def test_a_counter_that_no_longer_comes_is_listed(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables) -> None:
    ratings = RatingsStore(dynamodb, tables.ratings, line_partitions=8)
    rows = {"calls": "sum", "seats": "max"}
    for charge, aggregation in rows.items():
        key, metric = RatingKey("42", START, charge), {"code": charge, "name": charge, "aggregation": aggregation}
        for day in range(1, 6):
            stored = ratings.get(key)
            changes = {"units": str(day), "metric": charge, "metric_definition": metric}
            save = rating_save(key, END, **changes)
            decision = replace(save.decision, version=day)
            [error] = ratings.save_many([Save(decision, stored, 42)], now=START + timedelta(days=day))
            assert error is None
    admin.now = START + timedelta(days=6, hours=23)
    assert complete(admin)["missing_counters"]["count"] == 0
    admin.now = START + timedelta(days=7)
    item = {"subscription": "42", "charge": "calls", "metric": "calls"}
    expected = {**item, "last_changed_at": rfc3339(START + timedelta(days=5))}
    overview_dependencies.amount_totals.cache_clear()
    for _ in range(2):
        assert complete(admin)["missing_counters"] == {"count": 1, "is_capped": False, "items": [expected]}
    admin.now = END + timedelta(days=1)
    assert complete(admin)["missing_counters"]["count"] == 1
