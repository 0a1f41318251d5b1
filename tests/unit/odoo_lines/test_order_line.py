"""A line made from a rating's document: its row, its id, its text."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.billing.rating_document import RatingDocument, UnreadableDocument
from fusion_billing.odoo_lines.external_id import external_id
from fusion_billing.odoo_lines.line_item import read
from fusion_billing.odoo_lines.order_line import to_order_line
from fusion_billing.odoo_lines.quantity_and_price import Precision
from tests.rating_documents import JSON

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
OCTOBER = {
    "period_start": "2026-10-01T00:00:00Z",
    "period_end": "2026-11-01T00:00:00Z",
    "amount": "4.20",
    "invoiced_amount": "5.00",
    "steps": [],
}


def document(**changes: Any) -> RatingDocument:
    json = {**JSON, **changes}
    if all(isinstance(step, dict) for step in json["steps"]):
        json["steps"] = [{"description": "", **step} for step in json["steps"]]
    return RatingDocument.from_json(json)


def row(**changes: Any) -> list[str]:
    return to_order_line(read(document(**changes), "42"), Precision()).row()


def test_a_line_says_what_it_bills_and_how() -> None:
    assert row() == [
        "fusion_billing.42--api_calls--20261101T000000Z",
        "42",
        "7",
        "250",
        "0.004",
        "API calls, 2026-11-01 to 2026-11-30\n1250 used, 1000 included, 250 over: 250 × 0.004 = 1.00 USD",  # noqa: RUF001
    ]


def test_several_prices_make_one_at_the_amount_with_the_arithmetic_in_the_name() -> None:
    steps = [
        {"units": "100", "unit_amount": "0.5", "amount": "50"},
        {"units": "150", "unit_amount": "0.25", "amount": "37.5"},
        {"units": "1", "unit_amount": "5", "amount": "5"},
    ]
    made = row(steps=steps, amount="92.50", included_units="0")
    assert made[3:5] == ["1", "92.5"]
    assert made[5].endswith("1250 used: 100 × 0.5 + 150 × 0.25 + 5 = 92.50 USD")  # noqa: RUF001


def test_a_minimum_is_never_taken_for_units_times_price() -> None:
    steps = [
        {"units": "250", "unit_amount": "0.004", "amount": "1"},
        {"description": "minimum", "units": "1", "unit_amount": "4", "amount": "4"},
    ]
    assert row(steps=steps, amount="5.00")[3:5] == ["1", "5"]


def test_the_days_are_those_of_the_subscription_s_own_zone() -> None:
    made = row(period_start="2026-10-31T04:00:00Z", period_end="2026-11-30T05:00:00Z", timezone="America/New_York")
    assert made[5].startswith("API calls, 2026-10-31 to 2026-11-29\n")


def test_a_period_of_one_day_names_the_day() -> None:
    assert row(period_end="2026-11-02T00:00:00Z")[5].startswith("API calls, 2026-11-01\n")


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("de_DE", "API-Aufrufe, 2026-11-01 bis 2026-11-30"),
        ("de_CH", "API-Aufrufe, 2026-11-01 bis 2026-11-30"),
        ("fr_FR", "API calls, 2026-11-01 to 2026-11-30"),
        ("", "API calls, 2026-11-01 to 2026-11-30"),
    ],
)
def test_the_text_is_in_the_customer_s_language_where_the_charge_has_it(wanted: str, title: str) -> None:
    line_item = read(document(names={"de_DE": "API-Aufrufe"}), "42")
    assert to_order_line(line_item, Precision(), language=wanted).name.splitlines()[0] == title


def test_an_adjustment_is_a_line_of_its_own_that_names_the_period_it_corrects() -> None:
    made = row(
        amount="-0.80",
        corrects=OCTOBER,
        steps=[{"units": "-200", "unit_amount": "0.004", "amount": "-0.8"}],
    )
    assert made[0] == "fusion_billing.42--api_calls--20261101T000000Z--20261001T000000Z"
    assert made[3:5] == ["1", "-0.8"]
    assert made[5] == "API calls\nCorrection of 2026-10-01 to 2026-10-31: 4.20 - 5.00 = -0.80 USD"


def test_what_is_no_longer_owed_is_a_quantity_of_zero() -> None:
    assert row(amount="0.00", steps=[])[3:5] == ["0", "0"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("odoo_order_id", None),
        ("odoo_order_id", 0),
        ("odoo_order_id", True),
        ("odoo_product_id", "seven"),
        ("charge_name", ""),
        ("currency", "XXX"),
        ("amount", "NaN"),
        ("amount", 1.5),
        ("period_start", "2026-11-01T00:00:00"),
        ("timezone", "Mars/Olympus"),
        ("steps", ["a step"]),
        ("corrects", "2026-10-01T00:00:00Z"),
        ("corrects", {"period_start": "2026-10-01T00:00:00Z"}),
    ],
)
def test_a_document_that_can_t_be_a_line_says_which_field_it_is(field: str, value: object) -> None:
    with pytest.raises(UnreadableDocument, match=field):
        read(document(**{field: value}), "42")


def test_an_external_id_has_one_dot_and_nothing_that_odoo_would_trip_over() -> None:
    made = external_id("acme.eu:7-b", "api.calls-v2", NOVEMBER)
    assert made == "fusion_billing.acme-2eeu-3a7-2db--api-2ecalls-2dv2--20261101T000000Z"


identifiers = st.text(alphabet="ab01.-_:", min_size=1, max_size=6)


@given(identifiers, identifiers, identifiers, identifiers)
def test_two_lines_never_share_an_id(one: str, charge: str, other: str, another: str) -> None:
    same = (one, charge) == (other, another)
    assert (external_id(one, charge, NOVEMBER) == external_id(other, another, NOVEMBER)) is same


def test_a_name_that_controls_the_display_is_neutralised() -> None:
    made = row(charge_name="API\n\u202ecalls\x07")
    assert made[-1].startswith("API calls, 2026-11-01 to 2026-11-30\n1250 used")
    corrected = row(charge_name="API\n\u202ecalls\x07", corrects=OCTOBER)
    assert corrected[-1].startswith("API calls\nCorrection of 2026-10-01")
