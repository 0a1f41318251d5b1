"""Percentage: a share of each record's quantity, and a fixed amount a record.

Records are taken in order. While the free allowance lasts, a record is free: it ends with
`free_records` records or `free_amount` of quantity, whichever is first. A record that the rest
of the free amount covers in part pays for what is left of it, and its fixed amount. Each paying record's
amount, the fixed one within it, then lies between `record_minimum` and `record_maximum`.
A record of zero pays its fixed amount like any other; but records that come to zero in all are within any
free allowance, however many they are. Without records nothing is due. This is Lago's percentage charge, with
two differences: a record that the free amount covers to its last unit is free, and not charged the fixed
amount; and records of zero under a charge with no allowance are charged, as Lago's estimates and bounded
charges do and its other charges don't.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from fusion_billing.decimals import ZERO, plain
from fusion_billing.definitions.price_models import Percentage
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.rated import Step, lump, note, records_in_words


def price(model: Percentage, usage: Usage) -> list[Step]:
    """Return the free allowance, the percentage, the fixed amounts, and what the bounds add or take."""
    rate = model.rate_percent.scaleb(-2)
    fixed = model.fixed_amount or ZERO
    paying = list(_paying(model, usage.portions)) if usage.billable or not _has_allowance(model) else []
    charged = sum(paying, ZERO)
    steps = []
    if len(paying) < len(usage.portions) or charged < usage.billable:
        words = f"Free: {len(usage.portions) - len(paying)} of {len(usage.portions)} records"
        steps.append(note(words, usage.billable - charged))
    percent = f"{plain(model.rate_percent)} % of {plain(charged)}"
    steps.append(Step(percent, charged, rate, charged * rate))
    if fixed:
        records = Decimal(len(paying))
        words = f"{records_in_words(len(paying))} at {plain(fixed)} each"
        steps.append(Step(words, records, fixed, records * fixed))
    steps += _bounded(model, [portion * rate + fixed for portion in paying])
    return steps


def _has_allowance(model: Percentage) -> bool:
    return bool(model.free_records or model.free_amount)


def _paying(model: Percentage, portions: Sequence[Decimal]) -> Iterator[Decimal]:
    """Yield what each paying record pays for, in order."""
    records_left, amount_left = model.free_records or None, model.free_amount or None
    free = _has_allowance(model)
    for portion in portions:
        if not free:
            yield portion
            continue
        if records_left is not None:
            records_left -= 1
            free = records_left > 0
        if amount_left is not None:
            if portion > amount_left:
                yield portion - amount_left
            amount_left = max(ZERO, amount_left - portion)
            free = free and amount_left > 0


def _bounded(model: Percentage, amounts: list[Decimal]) -> list[Step]:
    steps = []
    low, high = model.record_minimum, model.record_maximum
    if low is not None:
        below = [low - amount for amount in amounts if amount < low]
        if below:
            words = f"{records_in_words(len(below))} raised to the minimum of {plain(low)} each"
            steps.append(lump(words, sum(below, ZERO)))
    if high is not None:
        over = [high - amount for amount in amounts if amount > high]
        if over:
            words = f"{records_in_words(len(over))} lowered to the maximum of {plain(high)} each"
            steps.append(lump(words, sum(over, ZERO)))
    return steps
