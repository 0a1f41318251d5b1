"""List ratings of all subscriptions by the end of their billing period, with totals.

The totals of a page are of every page up to it: its cursor carries those of the pages before, so that no list is read
twice for its totals. On the last page they are the list's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from functions.admin.cursors import bad_cursor
from functions.admin.ports import ListedSubscriptions, PeriodEnds, Ratings
from functions.admin.responses import Page
from functions.admin.services.rating_list_json import ListedRatingJson, listed_rating_json, state_of
from fusion_billing.access.principal import Principal
from fusion_billing.billing.document_fields import UnreadableDocument
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing_periods.schedule import local_midnight
from fusion_billing.catalog.identifiers import CODE, is_subscription_id
from fusion_billing.catalog.stored_subscription import Listed
from fusion_billing.currencies import DIGITS, with_digits
from fusion_billing.decimals import EXACT, ZERO
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.ratings.period_ends import EndPosition, EndRange

MOST_READ = 2_000
"""Ratings that are read for one page, however few of them match."""
_MARGIN = timedelta(days=1)
"""More than the distance of a local midnight from UTC's."""
_AMOUNT = re.compile(r"-?\d{1,60}(\.\d{1,4})?", re.ASCII)


Bound = datetime | date
"""An instant, or a date that stands for its midnight in each subscription's zone."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which ratings are listed: those of periods that end from `start` on and before `end`, and in a state."""

    start: Bound
    end: Bound
    state: str | None = None
    plan: str | None = None
    charge: str | None = None

    @property
    def ends(self) -> EndRange:
        """Return the range of the index that holds all of them."""
        first, last = _instant(self.start, "UTC"), _instant(self.end, "UTC")
        return EndRange(first - _margin(self.start), last + _margin(self.end))

    @property
    def length(self) -> timedelta:
        """Return the time between the bounds."""
        return _instant(self.end, "UTC") - _instant(self.start, "UTC")

    def hold(self, document: RatingDocument) -> bool:
        """Return whether a rating's period ends within the bounds, in the zone of its subscription."""
        zone = document.timezone
        return _instant(self.start, zone) <= document.period_end < _instant(self.end, zone)

    def take(self, rating: StoredRating, document: RatingDocument, now: datetime) -> bool:
        """Return whether a rating is listed."""
        return (
            self.hold(document)
            and self.charge in {None, rating.key.charge}
            and self.plan in {None, document.plan}
            and self.state in {None, state_of(rating, document, now)}
        )


@dataclass(frozen=True, slots=True)
class RatingLists:
    """What a list is read from."""

    ends: PeriodEnds
    ratings: Ratings
    subscriptions: ListedSubscriptions


def listing(
    stores: RatingLists, principal: Principal, filters: Filters, now: datetime, *, limit: int, after: str | None
) -> Page:
    """Return a page of the ratings that the key may see, and the totals of all pages up to it, by currency.

    A page may hold fewer items than `limit`, or none, and yet have a next one. Raises `Refused` (`bad_cursor`).
    """
    position, totals = (None, {}) if after is None else resumed_position(after, filters.ends)
    items: list[ListedRatingJson] = []
    read = 0
    while True:
        found, position = stores.ends.page(filters.ends, position, min(limit - len(items), MOST_READ))
        read += len(found)
        known = stores.ratings.get_many(found)
        listed = stores.subscriptions.listed({key.subscription for key in found})
        for key in found:
            shown = _shown(known.get(key), listed.get(key.subscription), principal, filters, now)
            if shown is not None:
                items.append(shown)
                _add(totals, shown["currency"], Decimal(shown["amount"]))
        if position is None or len(items) >= limit:
            break
        # A cursor names the last rating that was read: for a limited key, one that it may see.
        if read >= MOST_READ and _may_name(found[-1:], known, listed, principal):
            break
    following = None if position is None else position_text(position, totals)
    return Page(items, following, {"totals": totals_json(totals)})


def totals_json(totals: Mapping[str, Decimal]) -> list[dict[str, str]]:
    """Return amounts by currency as responses show them."""
    return [{"currency": code, "amount": with_digits(amount, code)} for code, amount in sorted(totals.items())]


def _shown(
    rating: StoredRating | None, listed: Listed | None, principal: Principal, filters: Filters, now: datetime
) -> ListedRatingJson | None:
    """Return a rating as it is listed; None if it is not, or its document can't be read."""
    if rating is None:
        return None
    try:
        document = rating.document
    except UnreadableDocument:
        return None
    if not filters.take(rating, document, now) or not may_see(principal, rating.key.subscription, document, listed):
        return None
    return listed_rating_json(rating, document, listed, now)


def _may_name(
    last: Sequence[RatingKey],
    known: Mapping[RatingKey, StoredRating],
    listed: Mapping[str, Listed],
    principal: Principal,
) -> bool:
    """Return whether a cursor for the key may name the last rating that was read."""
    if not principal.is_limited:
        return True
    try:
        return all(
            may_see(principal, key.subscription, known[key].document, listed.get(key.subscription)) for key in last
        )
    except (KeyError, UnreadableDocument):
        return False


def may_see(principal: Principal, subscription: str, document: RatingDocument, listed: Listed | None) -> bool:
    """Return whether the key's source may see a rating: by its metric, its subscription, and its present plan."""
    plan = document.plan if listed is None else listed.subscription.plan
    return principal.may_use_metric(document.metric) and principal.may_use_subscription(subscription, plan=plan)


def _add(totals: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    totals[currency] = EXACT.add(totals.get(currency, ZERO), amount)


def _instant(bound: Bound, timezone: str) -> datetime:
    return bound if isinstance(bound, datetime) else local_midnight(bound, timezone)


def _margin(bound: Bound) -> timedelta:
    return timedelta(0) if isinstance(bound, datetime) else _MARGIN


def position_text(position: EndPosition, totals: Mapping[str, Decimal]) -> str:
    """Return where a list goes on, and its totals so far, for its cursor."""
    return json.dumps([position.partition, position.key, {code: str(amount) for code, amount in totals.items()}])


def resumed_position(after: str, ends: EndRange) -> tuple[EndPosition, dict[str, Decimal]]:
    """Return where a cursor goes on, and the totals so far; raises `Refused` (`bad_cursor`)."""
    try:
        partition, key, totals = json.loads(after)
        position = EndPosition(partition, None if key is None else _key(key))
        amounts = {code: Decimal(amount) for code, amount in totals.items() if _is_total(code, amount)}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise bad_cursor() from None
    if not ends.holds(position) or len(amounts) != len(totals):
        raise bad_cursor()
    return position, amounts


def _key(key: Sequence[str]) -> tuple[str, str, str]:
    """Return a key of the index; raises `ValueError` if there can be no such key."""
    end_at, pk, sk = key
    subscription, start, charge, corrects = keys.parse_rating_key(pk, sk)
    corrected = datetime.fromisoformat(corrects) if corrects else None
    name = RatingKey(subscription, datetime.fromisoformat(start), charge, corrected)
    is_key = keys.rating_key(name) == keys.primary(pk, sk) and end_at.partition("#")[2] == subscription
    if not (is_key and is_subscription_id(subscription) and CODE.fullmatch(charge)):
        raise ValueError
    return end_at, pk, sk


def _is_total(code: object, amount: object) -> bool:
    return code in DIGITS and isinstance(amount, str) and _AMOUNT.fullmatch(amount) is not None
