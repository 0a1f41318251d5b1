"""A line made from a rating's document: its row, its id, its text."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.billing.document_fields import UnreadableDocument
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.odoo_lines.external_id import external_id
from fusion_billing.odoo_lines.line_item import read
from fusion_billing.odoo_lines.order_line import OrderLine, to_order_line
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


def test_an_order_line_has_everything_of_its_line_item() -> None:
    changes = {"tax_behavior": "inclusive", "analytic_distribution": {"8": "60.50", "7,9": "39.5"}}
    assert to_order_line(read(document(**changes), "42"), Precision(), suffix="--p7") == OrderLine(
        external_id="fusion_billing.42--api_calls--20261101T000000Z--p7",
        order=42,
        product=7,
        quantity=Decimal(250),
        price=Decimal("0.004"),
        name="API calls, 2026-11-01 to 2026-11-30\n1250 used, 1000 included, 250 over: 250 × 0.004 = 1.00 USD",  # noqa: RUF001
        amount=Decimal("1.00"),
        digits=2,
        kind="units",
        with_taxes=True,
        analytic='{"7,9": 39.5, "8": 60.5}',
    )


def test_a_charge_without_analytic_accounts_has_no_distribution() -> None:
    made = to_order_line(read(document(), "42"), Precision())
    assert (made.analytic, made.with_taxes) == ("", False)


@pytest.mark.parametrize(
    ("precision", "plainly", "amount", "form"),
    [
        (Precision(), False, "1.00", ("250", "0.004", "units")),
        (Precision(), True, "1.00", ("1", "1.00", "amount")),
        (Precision(price=2), False, "1.00", ("1", "1.00", "amount")),
        (Precision(price=3), False, "1.00", ("250", "0.004", "units")),
        (Precision(), True, "0.00", ("0", "0", "nothing")),
    ],
)
def test_the_form_follows_the_precision_of_the_database(
    precision: Precision, plainly: bool, amount: str, form: tuple[str, str, str]
) -> None:
    made = to_order_line(read(document(amount=amount), "42"), precision, plainly=plainly)
    assert (made.quantity, made.price, made.kind) == (Decimal(form[0]), Decimal(form[1]), form[2])


def test_the_digits_of_the_database_s_quantities_decide_too() -> None:
    steps = [{"units": "2.125", "unit_amount": "8", "amount": "17"}]
    line_item = read(document(steps=steps, amount="17.00"), "42")
    assert [to_order_line(line_item, Precision(quantity)).kind for quantity in (2, 3)] == ["amount", "units"]


def test_the_digits_of_the_currency_decide_not_those_of_the_precision() -> None:
    steps = [{"units": "250", "unit_amount": "0.004", "amount": "1"}]
    line_item = read(document(steps=steps, amount="1.234", currency="KWD"), "42")
    made = to_order_line(line_item, Precision(currency=2))
    assert (made.price, made.digits, made.kind) == (Decimal("1.234"), 3, "amount")


def test_a_line_of_nothing_shows_no_arithmetic() -> None:
    steps = [
        {"units": "250", "unit_amount": "0.004", "amount": "1"},
        {"units": "1", "unit_amount": "-1", "amount": "-1"},
    ]
    made = row(steps=steps, amount="0.00")
    assert made[5] == "API calls, 2026-11-01 to 2026-11-30\n1250 used, 1000 included, 250 over: 0.00 USD"


def test_a_correction_is_in_the_customer_s_language_and_time_zone() -> None:
    october = {"period_start": "2026-09-30T22:00:00Z", "period_end": "2026-10-31T23:00:00Z"}
    changes = {"names": {"de": "Aufrufe"}, "corrects": {**OCTOBER, **october}, "timezone": "Europe/Brussels"}
    line_item = read(document(amount="-0.80", **changes), "42")
    assert to_order_line(line_item, Precision(), language="de_AT").name == (
        "Aufrufe\nKorrektur für 2026-10-01 bis 2026-10-31: 4.20 - 5.00 = -0.80 USD"
    )
