"""Find the thresholds of a charge that its units and amount have reached."""

from decimal import Decimal

from fusion_billing.catalog.charge import Thresholds
from fusion_billing.decimals import EXACT, plain

_HUNDRED = Decimal(100)
_PERCENT, _AMOUNT = "included", "amount"


def reached(thresholds: Thresholds, *, units: Decimal, included: Decimal, amount: Decimal) -> frozenset[str]:
    """Return the names of the thresholds reached, such as `included:80` (percent) and `amount:100`.

    Without included units, no percentage of them is reached.
    """
    percents = [
        f"{_PERCENT}:{plain(percent)}"
        for percent in thresholds.percent_of_included
        if included and EXACT.multiply(units, _HUNDRED) >= EXACT.multiply(percent, included)
    ]
    amounts = [f"{_AMOUNT}:{plain(bound)}" for bound in thresholds.amounts if amount >= bound]
    return frozenset(percents + amounts)


def parts_of(name: str) -> tuple[str, str]:
    """Return the kind of a threshold, `included` or `amount`, and its figure as text."""
    kind, _, figure = name.partition(":")
    return kind, figure
