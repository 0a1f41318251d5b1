"""What a period comes to, worked out from the design alone, with fractions and without the product's engine.

Definitions are taken as the API's JSON. A period's records are given as the life knows them. Everything is
recomputed from scratch and nothing is fast: this says what must be, not how.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Charge = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One counted record."""

    key: str
    start: datetime
    end: datetime
    quantity: Fraction
    member: str | None
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the period in which one version of the charge applies (None: none does)."""

    start: datetime
    end: datetime
    charge: Charge | None


@dataclass(frozen=True, slots=True)
class Life:
    """What of a subscription decides which price applies when: its plans, and where it begins and ends."""

    subscription: str
    timezone: str
    plans: Sequence[tuple[datetime | None, str]]
    starts: datetime | None = None
    ends: datetime | None = None
    whole_start: datetime | None = None
    """Where the first period would begin if the subscription did not begin in it: prorated by all of it."""

    def lived(self, period: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
        """Return the part of a period in which it lives."""
        return max(period[0], self.starts or period[0]), min(period[1], self.ends or period[1])

    def whole(self, period: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
        """Return what of a period proration counts by."""
        return self.whole_start or period[0], period[1]


def amount(
    versions: Sequence[Charge],
    metric: dict[str, Any],
    records: Sequence[Record],
    life: Life,
    period: tuple[datetime, datetime],
) -> Fraction:
    """Return what a charge comes to in a period, rounded to cents."""
    lived = life.lived(period)
    spans = [span for span in _spans(versions, life, lived) if span.charge is not None]
    if not spans:
        return Fraction(0)
    whole = life.whole(period)
    weights = [_weight(span, lived, whole) for span in spans]
    each = _priced(spans, metric, list(records), life, period)
    if _is_weighed(spans, metric):
        # Every version prices the whole, its own minimum and maximum included, and counts by its time.
        parts = zip(spans, weights, each, strict=True)
        total = sum((_bounded([span], [weight], part) for span, weight, part in parts), Fraction(0))
    else:
        total = _bounded(spans, weights, sum(each, Fraction(0)))
    return Fraction(int(total * 100 + Fraction(1, 2)), 100)


def _is_weighed(spans: Sequence[Span], metric: dict[str, Any]) -> bool:
    models = [model for span in spans for model in _models(_of(span))]
    return metric["aggregation"] not in _ADDS_UP or all(model["type"] == "flat" for model in models)


def _models(charge: Charge) -> list[dict[str, Any]]:
    return [charge["model"], *(one["model"] for one in charge.get("filters") or [])]


def _bounded(spans: Sequence[Span], weights: Sequence[Fraction], total: Fraction) -> Fraction:
    pairs = list(zip(spans, weights, strict=True))
    low = sum((weight * _number(_of(span).get("minimum_amount")) for span, weight in pairs), Fraction(0))
    total = max(total, low)
    highs = [_of(span).get("maximum_amount") for span in spans]
    if None in highs:
        return total
    high = sum((weight * _number(_of(span)["maximum_amount"]) for span, weight in pairs), Fraction(0))
    return max(low, min(total, high))


# --- which price when ---


def _spans(versions: Sequence[Charge], life: Life, lived: tuple[datetime, datetime]) -> list[Span]:
    starts = {_valid_from(version, life.timezone) for version in versions}
    starts |= {start for start, _ in life.plans}
    cuts = sorted({lived[0], *(at for at in starts if at is not None and lived[0] < at < lived[1])})
    spans: list[Span] = []
    for start, end in zip(cuts, [*cuts[1:], lived[1]], strict=True):
        charge = _in_force(versions, life, start)
        if start >= end:
            continue
        if spans and _price_of(spans[-1].charge) == _price_of(charge):
            spans[-1] = Span(spans[-1].start, end, charge)
        else:
            spans.append(Span(start, end, charge))
    return spans


def _in_force(versions: Sequence[Charge], life: Life, at: datetime) -> Charge | None:
    valid = [v for v in versions if (since := _valid_from(v, life.timezone)) is None or since <= at]
    if not valid:
        return None
    newest = max(valid, key=lambda v: _rank(v, life.timezone))
    plans = [plan for since, plan in life.plans if since is None or since <= at]
    plan = plans[-1] if plans else life.plans[0][1]
    applies = newest["applies_to"]
    is_for = (
        applies.get("all") or plan in applies.get("plans", ()) or life.subscription in applies.get("subscriptions", ())
    )
    return newest if newest.get("active", True) and is_for else None


def _rank(version: Charge, timezone: str) -> tuple[datetime, bool, str]:
    """Return what ranks versions: at the same instant a day comes after the instant that is its midnight."""
    text = version.get("valid_from") or ""
    is_day = len(text) == len("2026-01-01")
    since = _valid_from(version, timezone) or datetime.min.replace(tzinfo=UTC)
    return since, is_day, text if is_day else ""


def _valid_from(version: Charge, timezone: str) -> datetime | None:
    text = version.get("valid_from")
    if text is None:
        return None
    if len(text) == len("2026-01-01"):
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))
    return datetime.fromisoformat(text)


_PRICES = ("model", "included_units", "filters", "group_by", "unit_conversion", "minimum_amount")
_MORE_PRICES = ("maximum_amount", "prorate")


def _price_of(charge: Charge | None) -> Any:
    return None if charge is None else [charge.get(name) or None for name in (*_PRICES, *_MORE_PRICES)]


def _of(span: Span) -> Charge:
    assert span.charge is not None
    return span.charge


def _weight(span: Span, lived: tuple[datetime, datetime], period: tuple[datetime, datetime]) -> Fraction:
    within = period if _of(span).get("prorate") else lived
    return Fraction((span.end - span.start) // _TICK, (within[1] - within[0]) // _TICK)


# --- how much ---


def _priced(
    spans: Sequence[Span],
    metric: dict[str, Any],
    records: list[Record],
    life: Life,
    period: tuple[datetime, datetime],
) -> list[Fraction]:
    kind, lived, whole = metric["aggregation"], life.lived(period), life.whole(period)
    applied = sum(((span.end - span.start) // _TICK for span in spans), 0)
    everything = (whole[1] - whole[0]) // _TICK
    adds_up = kind in _ADDS_UP
    if kind == "time_weighted":
        counted = [piece for span in spans for record in records for piece in _cut(record, span.start, span.end)]
    elif adds_up:
        counted = [r for r in records if any(span.start <= r.start < span.end for span in spans)]
    else:
        counted = [r for r in records if lived[0] <= r.start < lived[1]]
    counted.sort(key=lambda r: (r.start, r.key))
    found = []
    for index, span in enumerate(spans):
        total = Fraction(0)
        charge = _of(span)
        share = Fraction(applied, everything) if charge.get("prorate") else Fraction(1)
        weight = _weight(span, lived, whole)
        for model, included, members, grouped in _segments(charge, counted):
            rating = _Rating(charge, metric, model, included, period)
            if model["type"] == "flat" or not adds_up:
                total += weight * rating.price(members, members, Fraction(1))
                continue
            so_far = [r for r in members if r.start < span.end]
            before = [r for r in members if r.start < span.start]
            is_last = index == len(spans) - 1
            if so_far or not grouped:
                total += rating.price(so_far, members, share, last=is_last)
            if index and (before or not grouped):
                total -= rating.price(before, members, share, last=False)
        found.append(total)
    return found


def _segments(charge: Charge, records: list[Record]) -> list[tuple[dict[str, Any], Fraction, list[Record], bool]]:
    """Return model, included units and records of what is priced by itself, and whether it is a group."""
    filters = charge.get("filters") or []
    ranked = sorted(filters, key=lambda one: -len(one["properties"]))
    taken: dict[int, list[Record]] = {id(one): [] for one in filters}
    rest: list[Record] = []
    for record in records:
        properties = dict(record.properties)
        match = next(
            (
                one
                for one in ranked
                if all(properties.get(name) in values for name, values in one["properties"].items())
            ),
            None,
        )
        (rest if match is None else taken[id(match)]).append(record)
    parts = [(one["model"], _number(one.get("included_units")), taken[id(one)]) for one in filters]
    parts.append((charge["model"], _number(charge.get("included_units")), rest))
    found = []
    for model, included, members in parts:
        names = charge.get("group_by") or []
        if not names or not members:
            found.append((model, included, members, False))
            continue
        groups: dict[Any, list[Record]] = {}
        for record in members:
            properties = dict(record.properties)
            groups.setdefault(tuple(properties.get(name) for name in names), []).append(record)
        found += [(model, included, group, True) for group in groups.values()]
    return found


@dataclass(frozen=True, slots=True)
class _Rating:
    """One segment at one version of the price."""

    charge: Charge
    metric: dict[str, Any]
    model: dict[str, Any]
    included: Fraction
    period: tuple[datetime, datetime]

    def price(self, records: list[Record], everything: list[Record], share: Fraction, *, last: bool = True) -> Fraction:
        """Return what `records` come to; `everything` are all of the period, which select a volume's tier."""
        included = self.included * share
        kind = self.model["type"]
        if kind == "percentage" and self.metric["aggregation"] in ("sum", "count"):
            return self._percentage(records)
        billable = max(Fraction(0), self._units(records) - included)
        if kind == "volume":
            total = max(Fraction(0), self._units(everything) - included)
            tier = _tier(self.model["tiers"], total)
            fee = _number(tier.get("flat_amount")) * share if last else Fraction(0)
            return billable * _number(tier.get("unit_amount")) + fee
        return _MODELS[kind](self.model, billable, share)

    def _percentage(self, records: list[Record]) -> Fraction:
        rate, fixed = _number(self.model["rate_percent"]) / 100, _number(self.model.get("fixed_amount"))
        each = [Fraction(1) if self.metric["aggregation"] == "count" else r.quantity for r in records]
        return sum((self._converted(one) * rate + fixed for one in each), Fraction(0))

    def _units(self, records: list[Record]) -> Fraction:
        return self._converted(_AGGREGATIONS[self.metric["aggregation"]](records, self.period))

    def _converted(self, units: Fraction) -> Fraction:
        conversion = self.charge.get("unit_conversion")
        if conversion is not None:
            factor = _number(conversion["factor"])
            units = units * factor if conversion["operation"] == "multiply" else units / factor
            units = _rounded(units, conversion.get("rounding", "none"), 0)
        rounding = self.metric.get("rounding")
        return units if rounding is None else _rounded(units, rounding["mode"], rounding.get("digits", 0))


def _rounded(units: Fraction, mode: str, digits: int) -> Fraction:
    if mode == "none":
        return units
    scale = Fraction(10) ** digits
    scaled = units * scale
    floor = scaled.numerator // scaled.denominator
    if mode == "up" and scaled != floor:
        floor += 1
    if mode == "half_up" and scaled - floor >= Fraction(1, 2):
        floor += 1
    return floor / scale


def _cut(record: Record, start: datetime, end: datetime) -> list[Record]:
    low, high = max(record.start, start), min(record.end, end)
    if low >= high:
        return []
    return [Record(record.key, low, high, record.quantity, record.member, record.properties)]


def _weighted(records: list[Record], period: tuple[datetime, datetime]) -> Fraction:
    whole = (period[1] - period[0]) // _TICK
    return sum((r.quantity * Fraction((r.end - r.start) // _TICK, whole) for r in records), Fraction(0))


_TICK = datetime.resolution
_ADDS_UP = ("sum", "count", "time_weighted")

_AGGREGATIONS: dict[str, Callable[[list[Record], tuple[datetime, datetime]], Fraction]] = {
    "sum": lambda records, _: sum((r.quantity for r in records), Fraction(0)),
    "count": lambda records, _: Fraction(len(records)),
    "max": lambda records, _: max((r.quantity for r in records), default=Fraction(0)),
    "min": lambda records, _: min((r.quantity for r in records), default=Fraction(0)),
    "last": lambda records, _: max(records, key=lambda r: (r.start, r.key)).quantity if records else Fraction(0),
    "average": lambda records, _: (
        sum((r.quantity for r in records), Fraction(0)) / len(records) if records else Fraction(0)
    ),
    "unique_count": lambda records, _: Fraction(
        len({r.member if r.member is not None else r.quantity for r in records})
    ),
    "time_weighted": _weighted,
}


def _tier(tiers: Sequence[dict[str, Any]], units: Fraction) -> dict[str, Any]:
    return next(tier for tier in tiers if tier.get("up_to") is None or units <= _number(tier["up_to"]))


def _graduated(model: dict[str, Any], units: Fraction, share: Fraction) -> Fraction:
    total, low = Fraction(0), Fraction(0)
    for number, tier in enumerate(model["tiers"]):
        if number and units <= low:
            break
        high = units if tier.get("up_to") is None else min(units, _number(tier["up_to"]))
        total += (high - low) * _number(tier.get("unit_amount")) + _number(tier.get("flat_amount")) * share
        low = high if tier.get("up_to") is None else _number(tier["up_to"])
    return total


def _package(model: dict[str, Any], units: Fraction, _: Fraction) -> Fraction:
    count = _rounded(units / _number(model["package_size"]), model.get("rounding", "up"), 0)
    return count * _number(model["package_amount"])


_MODELS: dict[str, Callable[[dict[str, Any], Fraction, Fraction], Fraction]] = {
    "per_unit": lambda model, units, _: units * _number(model["unit_amount"]),
    "graduated": _graduated,
    "package": _package,
    "flat": lambda model, _, __: _number(model["amount"]),
    "percentage": lambda model, units, _: (
        units * _number(model["rate_percent"]) / 100 + _number(model.get("fixed_amount")) * bool(units)
    ),
}


def _number(text: Any) -> Fraction:
    return Fraction(0) if text is None else Fraction(str(text))
