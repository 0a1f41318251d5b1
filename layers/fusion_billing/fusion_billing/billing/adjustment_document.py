"""Adjustments: the difference of an invoiced period, positive or negative, billed in the open period."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from fusion_billing.billing.correction import Correction
from fusion_billing.billing.decisions import adjustment, total
from fusion_billing.billing.period_document import step_texts
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import EXACT, plain
from fusion_billing.rating.exact import in_words
from fusion_billing.rating.result import Step, lump
from fusion_billing.rating.span_phrases import dates


@dataclass(frozen=True, slots=True)
class InvoicedAmounts:
    """What was invoiced for a period: on its own order line, and as adjustments in later periods.

    Attributes:
        billed: The amount of its own line.
        adjusted: The start of each later period with an adjustment, and its amount.
    """

    billed: Decimal
    adjusted: Sequence[tuple[datetime, Decimal]] = ()

    @property
    def total(self) -> Decimal:
        """Return the sum."""
        return total([self.billed, *(amount for _, amount in self.adjusted)])


def at_invoiced_rules(previous: RatingDocument | None, current: RatingDocument) -> RatingDocument:
    """Return an invoiced period's `current` document, at its previous amount if only the rules changed.

    `previous` is the newest document about the period. What the first release rated by its rules and invoiced
    isn't billed again because the rules changed since; once the usage changes, today's rules rate all of it.
    """
    if previous is None or previous.rules is not None or previous.units != current.units:
        return current
    return replace(
        current,
        rules=None,
        amount=previous.rated_amount,
        unrounded_amount=previous.rated_amount,
        steps=previous.rated_steps,
    )


def adjustment_document(current: RatingDocument, *, billed_in: Period, invoiced: InvoicedAmounts) -> RatingDocument:
    """Return the document of the adjustment of an invoiced period, billed in the open period.

    Args:
        current: The invoiced period's document as all its records rate it now.
        billed_in: The open period.
        invoiced: What was invoiced for the invoiced period so far.

    Returns:
        The document whose amount is the current amount less all that was invoiced.
    """
    currency = current.currency
    amount = adjustment(Decimal(current.amount), invoiced.billed, [amount for _, amount in invoiced.adjusted])
    return replace(
        current,
        period_start=billed_in.start,
        period_end=billed_in.end,
        amount=with_digits(amount, currency),
        unrounded_amount=plain(amount),
        steps=step_texts(_steps(current, invoiced)),
        corrects=Correction(
            current.period_start,
            current.period_end,
            current.amount,
            with_digits(invoiced.total, currency),
            current.steps,
        ),
    )


def _steps(current: RatingDocument, invoiced: InvoicedAmounts) -> list[Step]:
    days = dates(current.period_start, current.period_end, current.timezone)
    units = in_words(Decimal(current.units))
    return [
        lump(f"{days}, rated again: {units} {'unit' if units == '1' else 'units'}", Decimal(current.amount)),
        lump("Less what its own line was invoiced at", EXACT.minus(invoiced.billed)),
        *(
            lump(f"Less the adjustment invoiced with {_day_of(start, current.timezone)}", EXACT.minus(amount))
            for start, amount in invoiced.adjusted
        ),
    ]


def _day_of(start: datetime, timezone: str) -> str:
    """Return how a step names a later billing period: by the date it starts on."""
    return f"the period from {start.astimezone(ZoneInfo(timezone)).date().isoformat()}"
