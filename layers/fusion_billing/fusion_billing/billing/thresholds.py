"""Which of a charge's thresholds its units and amount have reached, each by a name that never changes."""

from decimal import Decimal

from fusion_billing.catalog.charge import Thresholds
from fusion_billing.decimals import EXACT, plain

_HUNDRED = Decimal(100)
_PERCENT, _AMOUNT = "included", "amount"


def reached(thresholds: Thresholds, *, units: Decimal, included: Decimal, amount: Decimal) -> frozenset[str]:
    """Return the names of the thresholds reached: `included:80` (percent) and `amount:100`.

    A share of no included units is never reached.
    """
    percents = [
        f"{_PERCENT}:{plain(percent)}"
        for percent in thresholds.percent_of_included
        if included and EXACT.multiply(units, _HUNDRED) >= EXACT.multiply(percent, included)
    ]
    amounts = [f"{_AMOUNT}:{plain(bound)}" for bound in thresholds.amounts if amount >= bound]
    return frozenset(percents + amounts)


def parts_of(name: str) -> tuple[str, str]:
    """Return a threshold's kind, `included` or `amount`, and its figure as text."""
    kind, _, figure = name.partition(":")
    return kind, figure
