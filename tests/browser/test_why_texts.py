"""What the explanation of an amount says: every charge model and aggregation, as an accountant reads it.

The engine rates; the console and the portal get its steps in the response of the API, and must show them alike.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from fusion_billing.rating.engine import rate
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult
from tests.browser.pages import open_portal
from tests.browser.visitor import Visitor
from tests.rating_definitions import a_charge, a_metric

WHY = "#/why/4101/api_calls_pro?period_start=2026-10-31T23:00:00Z"
START, END = datetime.fromisoformat("2026-11-01T00:00:00Z"), datetime.fromisoformat("2026-12-01T00:00:00Z")
_TIERS = [{"up_to": "1000", "unit_amount": "0.01", "flat_amount": "5"}, {"up_to": None, "unit_amount": "0.0025"}]
_RATES = [{"up_to": "1000", "rate_percent": "2.5"}, {"up_to": None, "rate_percent": "1", "flat_amount": "3"}]
_BOUNDED = {"rate_percent": "2.9", "fixed_amount": "0.3", "free_records": 1, "record_minimum": "1"}

SUM = "3 records, added up|3,750||"
READ: list[tuple[dict[str, Any], str, list[str]]] = [
    (
        {"included_units": "1000"},
        "sum",
        [SUM, "Included: 1,000 calls|1,000||", "2,750 calls at $0.10 each|2,750|$0.10|$275.00"],
    ),
    (
        {"model": {"type": "graduated", "tiers": _TIERS}, "included_units": "0"},
        "sum",
        [
            SUM,
            "Tier 1 (up to 1,000): 1,000 calls at $0.01 each|1,000|$0.01|$10.00",
            "Tier 1 (up to 1,000): flat amount|||$5.00",
            "Tier 2 (open-ended): 2,750 calls at $0.0025 each|2,750|$0.0025|$6.875",
        ],
    ),
    (
        {"model": {"type": "volume", "tiers": _TIERS}, "included_units": "0"},
        "sum",
        [SUM, "Tier 2 (open-ended): all 3,750 calls at $0.0025 each|3,750|$0.0025|$9.375"],
    ),
    (
        {"model": {"type": "package", "package_size": "1000", "package_amount": "4"}, "included_units": "0"},
        "sum",
        [SUM, "3,750 calls are 4 packages of 1,000 (rounded up) at $4.00 each|4|$4.00|$16.00"],
    ),
    (
        {"model": {"type": "percentage", **_BOUNDED}, "included_units": "0"},
        "sum",
        [
            "Free: 1 of 3 records|1,250||",
            "2.9 % of 2,500|2,500|2.9 %|$72.50",
            "2 records at $0.30 each|2|$0.30|$0.60",
        ],
    ),
    (
        {"model": {"type": "graduated_percentage", "tiers": _RATES}, "included_units": "0"},
        "sum",
        [
            SUM,
            "Tier 1 (up to 1,000): 2.5 % of 1,000|1,000|2.5 %|$25.00",
            "Tier 2 (open-ended): 1 % of 2,750|2,750|1 %|$27.50",
            "Tier 2 (open-ended): flat amount|||$3.00",
        ],
    ),
    (
        {"model": {"type": "flat", "amount": "49"}, "included_units": "0", "maximum_amount": "40"},
        "sum",
        [SUM, "Flat amount for the period|||$49.00", "Lowered to the maximum of $40.00|||-$9.00"],
    ),
    (
        {"included_units": "0", "minimum_amount": "1500.5"},
        "average",
        [
            "3 records, averaged|1,250||",
            "1,250 calls at $0.10 each|1,250|$0.10|$125.00",
            "Raised to the minimum of $1,500.50|||$1,375.50",
        ],
    ),
    (
        {"included_units": "0", "model": {"type": "per_unit", "unit_amount": "0"}},
        "unique_count",
        ["3 records, distinct ones counted|1||", "1 call at $0.00|1|$0.00|$0.00"],
    ),
    (
        {"included_units": "0", "group_by": ["region"]},
        "max",
        [
            'region "eu: 1000 units": 3 records, the largest taken|1,250||',
            'region "eu: 1000 units": 1,250 calls at $0.10 each|1,250|$0.10|$125.00',
        ],
    ),
]
CONVERTED = {"included_units": "0", "unit_conversion": {"operation": "divide", "factor": "1024", "rounding": "up"}}


def rated(fields: dict[str, Any], aggregation: str = "sum") -> RatingResult:
    """Return the rating of three days with 1,250 calls each."""
    region = {"region": "eu: 1000 units"}
    records = [
        Record(str(day), START + timedelta(days=day), START + timedelta(days=day + 1), Decimal(1250), properties=region)
        for day in range(3)
    ]
    charges = [a_charge("api_calls", fields)]
    return rate(charges, a_metric("api_calls", aggregation), records, period_start=START, period_end=END)


def steps(result: RatingResult) -> list[dict[str, str]]:
    """Return the steps as the API shows them."""
    return [step.as_dict() for step in result.steps]


@pytest.fixture
def explained(visitor: Visitor) -> Iterator[Any]:
    """Have the API explain a rating otherwise: `explained({"steps": [...]})`."""
    changes: dict[str, Any] = {}

    def respond(route: Route) -> None:
        response = route.fetch()
        shown = response.json()
        price = [{**version, **changes.get("version", {})} for version in shown["price"]["versions"]]
        shown = {**shown, **changes, "price": {**shown["price"], "versions": price}}
        route.fulfill(response=response, body=json.dumps(shown))

    visitor.page.route("**/subscriptions/4101/ratings/api_calls_pro*", respond)
    yield changes.update
    visitor.page.unroute_all()


def table(visitor: Visitor, name: str) -> list[list[str]]:
    """Return the cells of a table."""
    rows = visitor.page.get_by_role("region", name=name, exact=True).locator("tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in rows]


def test_steps_are_sentences_with_the_metric_s_unit_and_prices(visitor: Visitor, explained: Any) -> None:
    results = [rated(fields, aggregation) for fields, aggregation, _ in READ]
    shown = list(chain.from_iterable(map(steps, results)))
    total = f"{sum(result.unrounded_amount for result in results):.2f}"
    explained({"steps": shown, "unit": "call", "currency": "USD", "amount": total, "unrounded_amount": total})
    page = visitor.sign_in(WHY)
    wanted = list(chain.from_iterable(lines for _, _, lines in READ))
    in_console = table(visitor, "Steps")
    assert ["|".join(cells) for cells in in_console] == wanted
    expect(page.get_by_text(f"Together ${Decimal(total):,.2f}.")).to_be_visible()
    visitor.check_accessibility()
    open_portal(visitor)
    page.get_by_text("Why €5.00 for API calls?").click()
    expect(page.get_by_text("Together")).to_be_visible()
    in_portal = table(visitor, "How API calls comes about")
    assert in_portal == [[text, quantity, amount] for text, quantity, _, amount in in_console]


def test_converted_units_are_not_called_by_the_metric_s_unit(visitor: Visitor, explained: Any) -> None:
    explained({"steps": steps(rated(CONVERTED)), "version": {"unit_conversion": CONVERTED["unit_conversion"]}})
    page = visitor.sign_in(WHY)
    assert [cells[0] for cells in table(visitor, "Steps")] == [
        "3 records, added up",
        "Divided by 1,024, rounded up",
        "4 units at €0.10 each",
    ]
    expect(page.get_by_text("before that, quantities are divided by 1,024")).to_be_visible()


def test_usage_that_came_after_the_calculation_is_marked(visitor: Visitor, explained: Any) -> None:
    at = "2026-11-25T06:00:00Z"
    explained(
        {"amount": "4.26", "units": "4065", "history": [{"version": 1, "units": "1", "amount": "1", "rated_at": at}]}
    )
    page = visitor.sign_in(WHY)
    expect(page.get_by_text("With them it comes to €5.00 for 4,250 calls")).to_be_visible()
    page.get_by_role("searchbox", name="Filter").first.fill("2026-11-25")
    later = page.get_by_role("region", name="Usage records").get_by_role("row").filter(has_text="newer than the amount")
    expect(later).to_have_count(2)


def test_a_credit_is_called_one(visitor: Visitor) -> None:
    page = visitor.page

    def respond(route: Route) -> None:
        response = route.fetch()
        shown = response.json()
        adjustment = {**shown["adjustments"][0], "amount": "-4.73"}
        route.fulfill(response=response, body=json.dumps({**shown, "adjustments": [adjustment]}))

    page.route("**/subscriptions/4101/ratings/api_calls_pro*", respond)
    visitor.sign_in("#/why/4101/api_calls_pro?period_start=2026-09-30T22:00:00Z")
    expect(page.get_by_text("Together €8.856, rounded to €8.86.")).to_be_visible()
    expect(page.get_by_text("€4.73 is credited in Nov 1")).to_be_visible()
    expect(page.get_by_text("With that, the period comes to €4.13.")).to_be_visible()
    expect(page.get_by_role("region", name="Voided records").get_by_role("row")).to_have_count(2)
    page.unroute_all()


def test_all_loaded_rows_are_printed(visitor: Visitor) -> None:
    page = visitor.sign_in(WHY)
    rows = page.get_by_role("region", name="Usage records").locator("tbody tr")
    expect(rows).to_have_count(25)
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    expect(rows).to_have_count(50)
