"""Percentage: a percentage of each record's quantity, and a fixed amount per record.

Records are taken in order. The free allowance ends after `free_records` records or `free_amount` of quantity, whichever
comes first. A record that the free amount covers in part pays for the rest, and the fixed amount. The amount of each
paying record, with its fixed amount, is then bounded by `record_minimum` and `record_maximum`.

A record of zero uses up a free record, and otherwise pays the fixed amount. Records that add up to zero are within any
free amount. Without records, nothing is due.

This is Lago's percentage charge with three differences: a record that the free amount covers to its last unit does not
pay the fixed amount; records of zero are charged if there is no allowance, as in Lago's estimates and bounded charges,
but not in its other charges; and `free_records` counts records of zero too.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from fusion_billing.catalog.price_models import Percentage
from fusion_billing.decimals import ZERO, plain
from fusion_billing.rating.exact import Exact, in_words
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.phrases import counted, priced
from fusion_billing.rating.result import Step, lump, note


def price(model: Percentage, usage: Usage) -> list[Step]:
    """Return the steps of the free allowance, the percentage, the fixed amounts, and the bounds."""
    rate = model.rate_percent.scaleb(-2)
    fixed = model.fixed_amount or ZERO
    now = _Paying.of(model, usage)
    before = _NOTHING if usage.before is None else _Paying.of(model, usage.before)
    charged, paying = now.charged - before.charged, len(now.portions) - len(before.portions)
    free, records = usage.own - charged, now.records - before.records
    steps = []
    if paying < records or free:
        steps.append(note(f"Free: {records - paying} of {counted(records, 'record')}", free))
    percent = f"{plain(model.rate_percent)} % of {in_words(charged)}"
    steps.append(Step(percent, charged, rate, charged * rate))
    if fixed:
        steps.append(Step(priced(Decimal(paying), "record", fixed), Decimal(paying), fixed, paying * fixed))
    if model.record_minimum is not None or model.record_maximum is not None:
        amounts = [[portion * rate + fixed for portion in each.portions] for each in (now, before)]
        steps += _bounded(model, *amounts)
    return steps


class _Paying(NamedTuple):
    """The number of records, and the quantity that each paying record pays for, in order."""

    records: int
    portions: list[Exact]
    charged: Exact

    @classmethod
    def of(cls, model: Percentage, usage: Usage) -> "_Paying":
        """Return the paying part of `usage`."""
        if not usage.billable and model.free_amount:
            return cls(len(usage.portions), [], ZERO)
        portions = list(_past_allowance(model, usage.portions))
        return cls(len(usage.portions), portions, sum(portions, ZERO))


_NOTHING = _Paying(0, [], ZERO)


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


def _bounded(model: Percentage, now: list[Exact], before: list[Exact]) -> Iterator[Step]:
    """Yield what the bounds add or subtract, less what they did `before`."""
    low, high = model.record_minimum, model.record_maximum
    if low is not None:
        yield from _bound(f"raised to the minimum of {plain(low)}", *_gaps(now, before, low, 1))
    if high is not None:
        yield from _bound(f"lowered to the maximum of {plain(high)}", *_gaps(now, before, high, -1))


def _gaps(now: list[Exact], before: list[Exact], bound: Decimal, sign: Literal[1, -1]) -> tuple[int, Exact]:
    """Return how many more amounts are beyond the bound than before, and the difference that brings them to it."""
    beyond, earlier = (
        [bound - amount for amount in amounts if (bound - amount) * sign > 0] for amounts in (now, before)
    )
    return len(beyond) - len(earlier), sum(beyond, ZERO) - sum(earlier, ZERO)


def _bound(words: str, records: int, amount: Exact) -> Iterator[Step]:
    if records > 0:
        each = "" if records == 1 else " each"
        yield lump(f"{counted(records, 'record')} {words}{each}", amount)
    elif amount:
        # The records are priced as one, which grew.
        yield lump(f"Difference to what was {words} before", amount)
