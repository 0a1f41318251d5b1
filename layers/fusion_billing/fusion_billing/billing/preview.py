"""Preview a change of definitions: rate the open periods before and after it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NotRequired, TypedDict

from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import total
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import CurrencyMismatch, Pricing
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import EXACT, ZERO, plain
from fusion_billing.errors import Refused
from fusion_billing.instants import rfc3339
from fusion_billing.rating.records import Record

MOST_LISTED = 200
"""How many changed ratings a preview lists."""

ReadRecords = Callable[[str, str, datetime, datetime], Sequence[Record]]
"""Return the records of a subscription and metric whose windows start in `[start, end)`.

May raise `TooManyRecords`."""


class TooManyRecords(ValueError):
    """A subscription has more records than a preview rates."""


class FiguresJson(TypedDict):
    """What a charge comes to, or why it can't be rated."""

    period_start: str
    period_end: str
    units: str
    amount: str
    currency: str
    error: NotRequired[str]


class ComparisonJson(TypedDict):
    """What a charge comes to before and after a change; None where it does not apply."""

    subscription: str
    charge: str
    before: FiguresJson | None
    after: FiguresJson | None


class PreviewJson(TypedDict):
    """What a change does to open periods; `truncated` if not all of it is evaluated or listed."""

    subscriptions: list[ComparisonJson]
    totals: list[dict[str, str]]
    evaluated: int
    changed_subscriptions: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison: the catalog, and the subscription in it (None: it does not exist)."""

    book: PriceBook
    subscription: BilledSubscription | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The units and amount of a charge in the open period of one side.

    `error` is the reason if it can't be rated or was not rated (`is_skipped`).
    """

    start: datetime
    end: datetime
    currency: str
    units: Decimal = ZERO
    amount: Decimal = ZERO
    error: str | None = None
    is_skipped: bool = False

    def as_json(self) -> FiguresJson:
        """Return the figures as the API shows them."""
        json: FiguresJson = {
            "period_start": rfc3339(self.start),
            "period_end": rfc3339(self.end),
            "units": plain(self.units),
            "amount": with_digits(self.amount, self.currency),
            "currency": self.currency,
        }
        if self.error is not None:
            json["error"] = self.error
        return json


@dataclass(frozen=True, slots=True)
class Comparison:
    """One charge of one subscription; None where it does not apply."""

    subscription: str
    charge: str
    before: Figures | None
    after: Figures | None

    @property
    def is_skipped(self) -> bool:
        """Whether either side was not evaluated."""
        return any(side is not None and side.is_skipped for side in (self.before, self.after))

    def as_json(self) -> ComparisonJson:
        """Return the comparison as the API shows it."""
        return {
            "subscription": self.subscription,
            "charge": self.charge,
            "before": None if self.before is None else self.before.as_json(),
            "after": None if self.after is None else self.after.as_json(),
        }


def compared(before: Side, after: Side, charges: Iterable[str], read: ReadRecords) -> Iterator[Comparison]:
    """Yield the figures of each charge on both sides, for charges that apply on either side.

    A charge priced alike on both sides is rated once.
    """
    for charge in charges:
        price_before, price_after = _priced(before, charge), _priced(after, charge)
        if price_before is None and price_after is None:
            continue
        rated = _rated(before, price_before, read)
        alike = price_before == price_after and before.subscription == after.subscription
        subscription = before.subscription or after.subscription
        if subscription is not None:
            then = rated if alike else _rated(after, price_after, read)
            yield Comparison(subscription.id, charge, rated, then)


@dataclass(frozen=True, slots=True)
class Preview:
    """All comparisons of a change, as far as they were made."""

    comparisons: Sequence[Comparison]
    evaluated: int
    truncated: bool

    def as_json(self) -> PreviewJson:
        """Return what changes, at most `MOST_LISTED` of it, and the totals of all that was evaluated."""
        skipped = [comparison for comparison in self.comparisons if comparison.is_skipped]
        changed = [
            comparison
            for comparison in self.comparisons
            if comparison.before != comparison.after or comparison.is_skipped
        ]
        return {
            "subscriptions": [comparison.as_json() for comparison in changed[:MOST_LISTED]],
            "totals": self._totals(),
            "evaluated": self.evaluated,
            "changed_subscriptions": len({comparison.subscription for comparison in changed}),
            "truncated": self.truncated or bool(skipped) or len(changed) > MOST_LISTED,
        }

    def _totals(self) -> list[dict[str, str]]:
        sides = [(comparison.before, comparison.after) for comparison in self.comparisons]
        currencies = sorted({side.currency for pair in sides for side in pair if side is not None})
        return [_total(currency, sides) for currency in currencies]


def preview(
    pairs: Iterable[tuple[Side, Side]],
    charges: Sequence[str],
    read: ReadRecords,
    time_left: Callable[[], bool],
) -> Preview:
    """Return what a change does to the subscriptions of `pairs`, until there is no time left.

    A subscription is evaluated if any of the charges applies to it on either side.
    """
    found: list[Comparison] = []
    evaluated = 0
    for before, after in pairs:
        if not time_left():
            return Preview(found, evaluated, truncated=True)
        comparisons = list(compared(before, after, charges, read))
        evaluated += bool(comparisons)
        found += comparisons
    return Preview(found, evaluated, truncated=False)


def _priced(side: Side, charge: str) -> Pricing | str | None:
    """Return a charge's pricing, None if it does not apply, or the reason why it can't be priced."""
    subscription = side.subscription
    if subscription is None or side.book.newest(charge) is None:
        return None
    period = subscription.calendar.open
    if not subscription.is_rated_in(period):
        return None
    try:
        return side.book.pricing(charge, subscription.priced, period.start, period.end)
    except (CurrencyMismatch, LookupError, Refused) as error:
        return str(error)


def _rated(side: Side, price: Pricing | str | None, read: ReadRecords) -> Figures | None:
    subscription = side.subscription
    if price is None or subscription is None:
        return None
    period = subscription.calendar.open
    currency = subscription.priced.currency
    if isinstance(price, str):
        return Figures(period.start, period.end, currency, error=price)
    since = price.metric.records_from(period.start)
    try:
        records = read(subscription.id, price.metric.code, since, subscription.rated_end(period))
    except TooManyRecords as error:
        return Figures(period.start, period.end, currency, error=str(error), is_skipped=True)
    rated = price.rate(records, subscription.priced_in(period), period.start, period.end)
    return Figures(period.start, period.end, currency, rated.units, rated.amount)


def _total(currency: str, sides: Sequence[tuple[Figures | None, Figures | None]]) -> dict[str, str]:
    before = total(figures.amount for figures, _ in sides if figures is not None and figures.currency == currency)
    after = total(figures.amount for _, figures in sides if figures is not None and figures.currency == currency)
    return {
        "currency": currency,
        "before": with_digits(before, currency),
        "after": with_digits(after, currency),
        "difference": with_digits(EXACT.subtract(after, before), currency),
    }
