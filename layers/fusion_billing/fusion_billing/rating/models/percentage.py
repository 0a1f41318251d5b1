"""Percentage: a share of each record's quantity, and a fixed amount a record.

Records are taken in order. While the free allowance lasts, a record is free: it ends with
`free_records` records or `free_amount` of quantity, whichever is first. A record that the rest
of the free amount covers in part pays for what is left of it, and its fixed amount. Each paying record's
amount, the fixed one within it, then lies between `record_minimum` and `record_maximum`.
A record of zero is a record like any other: it uses up a free record, and else pays its fixed amount. But
records that come to zero in all are within any free amount, however many they are. Without
records nothing is due. This is Lago's percentage charge, with three differences: a record that the free
amount covers to its last unit is free, and not charged the fixed amount; records of zero under a charge
with no allowance are charged, as Lago's estimates and bounded charges do and its other charges don't; and
free records alone cover so many records, of zero too.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from fusion_billing.decimals import ZERO, plain
from fusion_billing.definitions.price_models import Percentage
from fusion_billing.rating.exact import Exact, in_words
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.rated import Step, lump, note
from fusion_billing.rating.words import counted, priced


def price(model: Percentage, usage: Usage) -> list[Step]:
    """Return the free allowance, the percentage, the fixed amounts, and what the bounds add or take."""
    rate = model.rate_percent.scaleb(-2)
    fixed = model.fixed_amount or ZERO
    paying, records = _paying(model, usage), len(usage.portions)
    if usage.before is not None:
        paying = paying[len(_paying(model, usage.before)) :]
        records -= len(usage.before.portions)
    charged = sum(paying, ZERO)
    free = usage.own - charged
    steps = []
    if len(paying) < records or free:
        steps.append(note(f"Free: {records - len(paying)} of {counted(records, 'record')}", free))
    percent = f"{plain(model.rate_percent)} % of {in_words(charged)}"
    steps.append(Step(percent, charged, rate, charged * rate))
    if fixed:
        words = priced(Decimal(len(paying)), "record", fixed)
        steps.append(Step(words, Decimal(len(paying)), fixed, len(paying) * fixed))
    if model.record_minimum is not None or model.record_maximum is not None:
        steps += _bounded(model, [portion * rate + fixed for portion in paying])
    return steps


def _paying(model: Percentage, usage: Usage) -> list[Exact]:
    """Return what each paying record pays for, in order.

    What pays stays as more records come: of later usage this list is the continuation.
    """
    if not usage.billable and model.free_amount:
        return []
    return list(_past_allowance(model, usage.portions))


def _past_allowance(model: Percentage, portions: Sequence[Exact]) -> Iterator[Exact]:
    records_left = model.free_records or None
    amount_left: Exact | None = model.free_amount or None
    free = bool(records_left or amount_left)
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


def _bounded(model: Percentage, amounts: list[Exact]) -> list[Step]:
    steps = []
    low, high = model.record_minimum, model.record_maximum
    if low is not None:
        below = [low - amount for amount in amounts if amount < low]
        if below:
            words = f"{counted(len(below), 'record')} raised to the minimum of {plain(low)}{_each(below)}"
            steps.append(lump(words, sum(below, ZERO)))
    if high is not None:
        over = [high - amount for amount in amounts if amount > high]
        if over:
            words = f"{counted(len(over), 'record')} lowered to the maximum of {plain(high)}{_each(over)}"
            steps.append(lump(words, sum(over, ZERO)))
    return steps


def _each(records: list[Exact]) -> str:
    return "" if len(records) == 1 else " each"
