"""Ratings of all subscriptions: their names, their totals, CSV, pages, and what a limited key sees."""

import csv
import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.billing.rating import RatingKey
from local.tables import Tables
from tests.integration.admin.world import START, SUBSCRIPTION
from tests.integration.admin.world_fixture import World
from tests.rating_items import put_rating

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin

pytestmark = pytest.mark.integration

DECEMBER = {"period_end_from": "2026-12-01", "period_end_to": "2026-12-02"}
END = datetime.fromisoformat("2026-12-01T00:00:00Z")


@pytest.fixture
def rated(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables) -> "Admin":
    """Ten subscriptions with two ratings each, one of them in euros, that end with November."""
    for number in range(10):
        name = "=HYPERLINK(1)" if number == 0 else f"Customer {number}"
        body = {**SUBSCRIPTION, "odoo_order_id": number + 1, "customer_name": name}
        plan = "Pro" if number % 2 else "Basic"
        assert admin.put(f"/v1/subscriptions/s{number}", {**body, "plan": plan}).status == 201
        for charge, currency, amount in (("calls", "USD", "1.10"), ("seats", "EUR", "-2.00")):
            key = RatingKey(f"s{number}", START, charge)
            put_rating(dynamodb, tables.ratings, key, END, amount=amount, currency=currency, plan=plan, metric=charge)
    return admin


def whole(admin: "Admin", **query: str) -> tuple[list[Any], list[Any]]:
    """Return the items of every page, and the totals of the last."""
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = admin.get("/v1/ratings", query={**DECEMBER, **query, **cursor}).json
        items += page["items"]
        if page["cursor"] is None:
            return items, page["totals"]
        cursor = {"cursor": page["cursor"]}


@pytest.mark.parametrize("limit", ["1", "7", "500"])
def test_every_rating_is_listed_once_with_names_and_totals(rated: "Admin", limit: str) -> None:
    items, totals = whole(rated, limit=limit)
    assert {(item["subscription"], item["charge"]) for item in items} == {
        (f"s{number}", charge) for number in range(10) for charge in ("calls", "seats")
    }
    assert len(items) == 20
    assert {item["customer_name"] for item in items} == {"=HYPERLINK(1)", *(f"Customer {n}" for n in range(1, 10))}
    assert totals == [{"currency": "EUR", "amount": "-20.00"}, {"currency": "USD", "amount": "11.00"}]


def test_filters_choose_ratings_and_their_totals(rated: "Admin") -> None:
    items, totals = whole(rated, plan="Pro", charge="calls", state="open", limit="3")
    assert (len(items), totals) == (5, [{"currency": "USD", "amount": "5.50"}])
    assert whole(rated, state="invoiced") == ([], [])


def test_a_date_is_midnight_in_the_zone_of_each_subscription(
    admin: "Admin", dynamodb: DynamoDBClient, tables: Tables
) -> None:
    east, west = END - timedelta(hours=14), END + timedelta(hours=10)
    for name, end, zone in (("east", east, "Pacific/Kiritimati"), ("west", west, "Pacific/Honolulu")):
        put_rating(dynamodb, tables.ratings, RatingKey(name, START, "calls"), end, timezone=zone)
    assert {item["subscription"] for item in whole(admin)[0]} == {"east", "west"}
    instants = {"period_end_from": "2026-12-01T00:00:00Z", "period_end_to": "2026-12-02T00:00:00Z"}
    assert {item["subscription"] for item in whole(admin, **instants)[0]} == {"west"}


def test_a_limited_key_sees_its_plans_and_metrics_alone(rated: "Admin") -> None:
    key = rated.key("ratings:read", source="src_limited", plans=frozenset({"Pro"}), metrics=frozenset({"calls"}))
    page = rated.get("/v1/ratings", query=DECEMBER, key=key).json
    assert {(item["plan"], item["metric"]) for item in page["items"]} == {("Pro", "calls")}
    assert page["totals"] == [{"currency": "USD", "amount": "5.50"}]


def test_csv_has_the_same_rows_and_escapes_formulas(rated: "Admin") -> None:
    answer = rated.get("/v1/ratings", query={**DECEMBER, "bom": "true"}, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert answer.text.startswith("\ufeffcustomer_name,subscription,")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert len(rows) == 20
    assert {row["customer_name"] for row in rows if row["subscription"] == "s0"} == {"'=HYPERLINK(1)"}
    assert {row["amount"] for row in rows} == {"1.10", "-2.00"}


def test_csv_links_to_its_next_page(rated: "Admin") -> None:
    headers = {"accept": "text/csv, application/json;q=0.5"}
    link = rated.get("/v1/ratings", query={**DECEMBER, "limit": "15"}, headers=headers).headers["link"]
    assert link.startswith("</v1/ratings?period_end_from=2026-12-01")
    assert link.endswith('>; rel="next"')


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"period_end_from": "2026-13-01"}, "period_end_from"),
        ({"period_end_to": "soon"}, "period_end_to"),
        ({"period_end_to": "2026-12-01"}, "period_end_to"),
        ({"period_end_to": "2028-01-01"}, "period_end_to"),
        ({"period_end_from": "0001-01-01"}, "period_end_from"),
        ({"state": "paid"}, "state"),
        ({"charge": "NO"}, "charge"),
        ({"bom": "x"}, "bom"),
    ],
)
def test_parameters_are_checked(admin: "Admin", query: dict[str, str], field: str) -> None:
    answer = admin.get("/v1/ratings", query={**DECEMBER, **query}, headers={"accept": "text/csv"})
    assert (answer.status, answer.code) == (400, "invalid_parameter")
    assert field in answer.faults


def test_a_rated_subscription_is_in_the_list(world: World) -> None:
    [item] = world.admin.get("/v1/ratings", query=DECEMBER).json["items"]
    assert (item["subscription"], item["amount"], item["customer_name"]) == ("42", "5.00", "Azure Interior")
