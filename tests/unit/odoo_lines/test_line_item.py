"""Test how line items are read from rating documents, and which documents can't become an order line."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.billing.correction import Correction as CorrectionText
from fusion_billing.billing.document_fields import UnreadableDocument
from fusion_billing.billing.step_text import StepText
from fusion_billing.odoo_lines.line_item import Correction, LineItem, Step, read
from fusion_billing.odoo_lines.quantity_and_price import Part
from tests.rating_documents import document

D = Decimal
OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))
LINE_ITEM = LineItem(
    subscription="acme",
    charge="api_calls",
    order=42,
    product=7,
    name="API calls",
    currency="USD",
    amount=D("1.00"),
    period_start=NOVEMBER,
    period_end=DECEMBER,
    timezone="UTC",
    units=D(1250),
    included=D(1000),
    overage=D(250),
    steps=(Step(D(1000), D(0), D(0)), Step(D(250), D("0.004"), D(1))),
    plan="Pro",
    metric="api_calls",
)


def test_a_line_item_has_what_the_rating_document_says() -> None:
    assert read(document(), "acme") == LINE_ITEM


def test_an_adjustment_has_the_period_it_corrects_and_both_amounts() -> None:
    corrects = CorrectionText(OCTOBER, NOVEMBER, amount="4.20", invoiced_amount="5.00", steps=())
    assert read(replace(document(), corrects=corrects), "acme").corrects == Correction(
        OCTOBER, NOVEMBER, amount=D("4.20"), invoiced=D("5.00")
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"names": {"de_DE": "API-Aufrufe", "fr_FR": ""}}, {"names": {"de_DE": "API-Aufrufe"}}),
        ({"tax_behavior": "inclusive"}, {"with_taxes": True}),
        ({"tax_behavior": "exclusive"}, {"with_taxes": False}),
        ({"final_invoice": True}, {"final_invoice": True}),
        ({"analytic_distribution": {"7": "60", "7,8": "40.5"}}, {"analytic": {"7": D(60), "7,8": D("40.5")}}),
        ({"odoo_order_id": 1, "odoo_product_id": 1}, {"order": 1, "product": 1}),
    ],
)
def test_an_optional_field_of_the_document(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read(document(**changes), "acme") == replace(LINE_ITEM, **expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"charge": ""}, "charge: is missing"),
        ({"charge_name": ""}, "charge_name: is missing"),
        ({"currency": "XYZ"}, "currency: XYZ is not in ISO 4217"),
        ({"timezone": "Mars/Olympus"}, "timezone: Mars/Olympus is not known"),
        ({"timezone": "../etc"}, "timezone: ../etc is not known"),
        ({"odoo_order_id": 0}, "odoo_order_id: must be an Odoo record ID"),
        ({"odoo_product_id": -1}, "odoo_product_id: must be an Odoo record ID"),
        ({"amount": "NaN"}, "amount: must be a decimal"),
        ({"amount": "Infinity"}, "amount: must be a decimal"),
        ({"units": "many"}, "units: must be a decimal"),
        ({"included_units": ""}, "included_units: must be a decimal"),
        ({"overage_units": "1,5"}, "overage_units: must be a decimal"),
        ({"analytic_distribution": {"7": "all"}}, "7: must be a decimal"),
        ({"analytic_distribution": {"7": None}}, "7: must be a decimal"),
    ],
)
def test_a_document_that_is_no_order_line_is_refused_by_its_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        read(replace(document(), **changes), "acme")
    assert refused.value.message == message


@pytest.mark.parametrize("field", ["units", "unit_amount", "amount"])
def test_a_step_that_has_no_decimal_is_refused_by_its_field(field: str) -> None:
    step = StepText("250 units", "250", "0.004", "1")._replace(**{field: "x"})
    with pytest.raises(UnreadableDocument) as refused:
        read(replace(document(), steps=(step,)), "acme")
    assert refused.value.message == f"steps.{field}: must be a decimal"


@pytest.mark.parametrize("field", ["amount", "invoiced_amount"])
def test_a_correction_without_amounts_is_refused_by_its_field(field: str) -> None:
    figures = {"amount": "4.20", "invoiced_amount": "5.00"} | {field: "x"}
    corrects = CorrectionText(OCTOBER, NOVEMBER, steps=(), **figures)
    with pytest.raises(UnreadableDocument) as refused:
        read(replace(document(), corrects=corrects), "acme")
    assert refused.value.message == f"corrects.{field}: must be a decimal"


FREE, PRICED = Step(D(1000), D(0), D(0)), Step(D(250), D("0.004"), D(1))


@pytest.mark.parametrize(
    ("steps", "parts"),
    [
        ((), []),
        ((FREE, PRICED), [Part(D(250), D("0.004"))]),
        ((PRICED, FREE, PRICED), [Part(D(250), D("0.004"))] * 2),
        ((PRICED, Step(None, None, D(5))), []),
        ((PRICED, Step(D(1), None, D(5))), []),
        ((PRICED, Step(None, D(5), D(5))), []),
        ((PRICED, Step(D(1), D(4), D(5))), []),
        ((Step(None, None, D(0)), PRICED), [Part(D(250), D("0.004"))]),
    ],
)
def test_parts_are_the_priced_steps_if_each_is_units_times_price(steps: tuple[Step, ...], parts: list[Part]) -> None:
    assert replace(LINE_ITEM, steps=steps).parts() == parts


def test_an_adjustment_has_no_parts() -> None:
    assert replace(LINE_ITEM, corrects=Correction(OCTOBER, NOVEMBER)).parts() == []


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_the_digits_are_those_of_the_currency(currency: str, digits: int) -> None:
    assert replace(LINE_ITEM, currency=currency).digits == digits
