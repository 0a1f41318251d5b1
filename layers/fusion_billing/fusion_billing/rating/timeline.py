"""Split a period into the parts to price: cut to the subscription's lifetime, merged, weighted by time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from fusion_billing.catalog.charge import Charge
from fusion_billing.rating.exact import ONE, Exact, quotient
from fusion_billing.rating.price_spans import PriceSpan
from fusion_billing.rating.span_phrases import dates, share

_TICK = timedelta(microseconds=1)
_NONE = timedelta()
_PRICE = (
    "model",
    "included_units",
    "filters",
    "group_by",
    "unit_conversion",
    "minimum_amount",
    "maximum_amount",
    "prorate",
    "currency",
)
"""The fields of a charge that price usage: versions with equal values are one price."""


class Interval(NamedTuple):
    """The time `[start, end)`."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """Return its length; zero if it ends before it starts."""
        return max(_NONE, self.end - self.start)


class Part(NamedTuple):
    """A part of the period in which one price of the charge applies.

    Amounts that do not add up over time count by `weight`. `fee_share` is the share of the included units and of
    the flat amounts of tiers that the price gives: less than all of it only if the charge is prorated.
    """

    start: datetime
    end: datetime
    charge: Charge
    weight: Exact = ONE
    fee_share: Exact = ONE
    dates: str = ""
    weight_words: str = ""
    fee_words: str = ""

    @property
    def label(self) -> str:
        """Return the prefix of steps that are not weighted: empty if there is only one price."""
        return f"{self.dates}: " if self.dates else ""

    @property
    def weighed_label(self) -> str:
        """Return the prefix of steps that are weighted."""
        return ", ".join(filter(None, (self.dates, self.weight_words))) + ": " if self.weight_words else ""


def timeline(spans: Sequence[PriceSpan], period: Interval, lived: Interval, timezone: str) -> list[Part]:
    """Return the parts of the period that are priced, in order; `period` is what prorated prices count by.

    Spans outside the subscription's lifetime and empty spans are left out; neighbors of equal price are merged.
    """
    merged = _merged(spans, lived)
    applied = sum([span.end - span.start for span in merged if span.charge is not None], _NONE)
    zone = timezone if len(merged) > 1 else ""
    return [
        _part(span, span.charge, applied, period if span.charge.prorate else lived, zone)
        for span in merged
        if span.charge is not None
    ]


def _merged(spans: Sequence[PriceSpan], lived: Interval) -> list[PriceSpan]:
    merged: list[PriceSpan] = []
    for span in spans:
        start, end = max(span.start, lived.start), min(span.end, lived.end)
        if start >= end:
            continue
        if merged and _is_one_price(merged[-1].charge, span.charge):
            merged[-1] = PriceSpan(merged[-1].start, end, span.charge)
        else:
            merged.append(PriceSpan(start, end, span.charge))
    return merged


def _is_one_price(charge: Charge | None, other: Charge | None) -> bool:
    if charge is None or other is None:
        return charge is other
    return charge is other or all(getattr(charge, name) == getattr(other, name) for name in _PRICE)


def _part(span: PriceSpan, charge: Charge, applied: timedelta, within: Interval, timezone: str) -> Part:
    length, whole = span.end - span.start, within.length
    is_whole, gives_all = length == whole, not charge.prorate or applied == whole
    return Part(
        span.start,
        span.end,
        charge,
        weight=ONE if is_whole else _ratio(length, whole),
        fee_share=ONE if gives_all else _ratio(applied, whole),
        dates=dates(span.start, span.end, timezone) if timezone else "",
        weight_words="" if is_whole else share(length, whole),
        fee_words="" if gives_all else share(applied, whole),
    )


def _ratio(part: timedelta, whole: timedelta) -> Exact:
    return quotient(Decimal(part // _TICK), Decimal(whole // _TICK))
