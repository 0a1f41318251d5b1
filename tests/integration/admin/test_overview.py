"""The overview: amounts by month, plan and currency, and what needs attention; bounded however much there is."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin.services.amount_totals import AmountTotals
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb.ratings.period_ends import PeriodEnds
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from local.tables import Tables
from tests.integration.admin.test_rating_lists import END
from tests.integration.admin.world import START
from tests.integration.admin.world_fixture import World
from tests.rating_items import put_rating

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


def test_what_needs_attention_is_counted(world: World) -> None:
    shown = world.admin.get("/v1/overview").json
    assert shown["lines"]["failed"] == {"count": 1, "is_capped": False}
    assert shown["lines"]["final_invoice"] == {"count": 0, "is_capped": False}
    assert shown["failed_deliveries"] == {"count": 0, "is_capped": False}
    assert (shown["failing_endpoints"], shown["disabled_endpoints"], shown["expiring_keys"]) == ([], [], [])
    endpoint = world.requests["GET /v1/endpoints/{endpoint}"].path["endpoint"]
    world.admin.patch(f"/v1/endpoints/{endpoint}", {"state": "disabled"})
    assert world.admin.get("/v1/overview").json["disabled_endpoints"] == [endpoint]


def test_adding_up_goes_on_where_the_time_was_over(dynamodb: DynamoDBClient, tables: Tables) -> None:
    for number in range(40):
        put_rating(dynamodb, tables.ratings, RatingKey(f"s{number}", START, "calls"), END)
    time = iter(range(10_000))
    store = RatingsStore(dynamodb, tables.ratings, line_partitions=8)
    totals = AmountTotals(PeriodEnds(dynamodb, tables.ratings), store, lambda: float(next(time)))
    now, requests = END - timedelta(days=10), 0
    while totals.calculated_at(now) is None:
        totals.refresh(now, 10)
        requests += 1
    assert requests > 3
    assert sum(part.ratings for _, part in totals.sums(now)) == 40
