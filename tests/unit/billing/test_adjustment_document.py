"""The documents of adjustments: the difference in figures and in words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fusion_billing.billing.adjustment_document import InvoicedAmounts, adjustment_document, at_invoiced_rules
from fusion_billing.billing.step_text import StepText
from fusion_billing.billing_periods.calendar import Period
from tests.rating_documents import document

NOVEMBER, DECEMBER, JANUARY, FEBRUARY = (
    datetime(year, month, 1, tzinfo=UTC) for year, month in ((2026, 11), (2026, 12), (2027, 1), (2027, 2))
)
OPEN = Period(JANUARY, FEBRUARY, "open")


def test_an_adjustment_is_the_current_amount_less_all_that_was_invoiced() -> None:
    current = document(amount="3.00", unrounded_amount="2.999", rules=2)
    invoiced = InvoicedAmounts(Decimal("1.00"), [(DECEMBER, Decimal("0.50"))])
    adjustment = adjustment_document(current, billed_in=OPEN, invoiced=invoiced)
    assert (adjustment.period_start, adjustment.period_end) == (JANUARY, FEBRUARY)
    assert (adjustment.amount, adjustment.unrounded_amount) == ("1.50", "1.5")
    assert adjustment.steps == (
        StepText("1 to 30 November, rated again: 1250 units", "1", "3", "3"),
        StepText("Less what its own line was invoiced at", "1", "-1", "-1"),
        StepText("Less the adjustment invoiced with the period from 2026-12-01", "1", "-0.5", "-0.5"),
    )
    assert adjustment.corrects is not None
    assert (adjustment.corrects.period_start, adjustment.corrects.period_end) == (NOVEMBER, DECEMBER)
    assert (adjustment.corrects.amount, adjustment.corrects.invoiced_amount) == ("3.00", "1.50")
    assert adjustment.corrects.steps == current.steps
    assert (adjustment.units, adjustment.rules, adjustment.price) == ("1250", 2, current.price)


def test_a_credit_has_its_sign_and_the_digits_of_its_currency() -> None:
    current = document(amount="300", currency="JPY", units="1")
    adjustment = adjustment_document(current, billed_in=OPEN, invoiced=InvoicedAmounts(Decimal(1000)))
    assert (adjustment.amount, adjustment.unrounded_amount) == ("-700", "-700")
    assert adjustment.steps[0].description == "1 to 30 November, rated again: 1 unit"
    assert len(adjustment.steps) == 2


def test_a_later_period_is_named_by_the_day_it_starts_on_where_the_subscription_is() -> None:
    start = datetime(2026, 11, 30, 15, tzinfo=UTC)
    current = document(
        timezone="Asia/Tokyo", period_start="2026-10-31T15:00:00Z", period_end="2026-11-30T15:00:00Z", amount="1.00"
    )
    adjustment = adjustment_document(
        current, billed_in=OPEN, invoiced=InvoicedAmounts(Decimal(0), [(start, Decimal(1))])
    )
    assert adjustment.steps[0].description.startswith("1 to 30 November, ")
    assert adjustment.steps[-1].description.endswith("the period from 2026-12-01")


def test_all_that_was_invoiced_is_the_own_line_and_later_adjustments() -> None:
    assert InvoicedAmounts(Decimal("1.10")).total == Decimal("1.10")
    later = [(DECEMBER, Decimal("0.20")), (JANUARY, Decimal("-0.05"))]
    assert InvoicedAmounts(Decimal("1.10"), later).total == Decimal("1.25")


CURRENT = document(amount="9.00", unrounded_amount="9", rules=2)


def test_what_the_first_release_rated_and_invoiced_keeps_its_amount_while_its_units_are_the_same() -> None:
    previous = document(amount="1.00")
    kept = at_invoiced_rules(previous, CURRENT)
    assert (kept.amount, kept.unrounded_amount, kept.steps, kept.rules) == ("1.00", "1.00", previous.steps, None)
    corrects = {
        "period_start": "2026-11-01T00:00:00Z",
        "period_end": "2026-12-01T00:00:00Z",
        "amount": "4.20",
        "invoiced_amount": "1.00",
        "steps": [],
    }
    adjusted = at_invoiced_rules(document(amount="3.20", corrects=corrects), CURRENT)
    assert (adjusted.amount, adjusted.unrounded_amount, adjusted.steps) == ("4.20", "4.20", ())


@pytest.mark.parametrize("changes", [{"rules": 2}, {"rules": 1}, {"units": "1251"}])
def test_other_ratings_are_rated_by_today_s_rules(changes: dict[str, object]) -> None:
    assert at_invoiced_rules(document(**changes), CURRENT) is CURRENT
    assert at_invoiced_rules(None, CURRENT) is CURRENT
