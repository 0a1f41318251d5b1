"""Combine orders that are linked by renewals and upsells into one subscription (pure).

A renewal names the order it renews (its parent contract) and the first contract; so does an upsell. Whichever
of them changed, the whole chain is read and built again: the result depends on what Odoo has, never on
the order in which changes were seen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from fusion_billing.billing_periods.schedule import local_midnight
from fusion_billing.billing_periods.subscription_states import CONFIRMED, UPSELL
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder, OrderKind
from fusion_billing.odoo.subscriptions import ReadSubscription

_MOST_LINKS = 1_000

Rows = Mapping[int, ReadSubscription]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an order is: the subscription, and the one it would be if nothing were stored."""

    subscription: str
    natural: str

    @property
    def is_apart(self) -> bool:
        """Return whether it is stored apart from the subscription that it renews."""
        return self.subscription != self.natural


@dataclass(frozen=True, slots=True)
class ReadChain:
    """The orders of one subscription as Odoo has them.

    `lead` is the one that is followed, `serving` those that invoice or invoiced, in their order, `upsells`
    the others, `seen` all that were read, quotations and cancelled ones too. `refused` is a renewal that
    can't be followed, and `why`.
    """

    id: str
    lead: ReadSubscription
    serving: tuple[ReadSubscription, ...]
    upsells: tuple[ReadSubscription, ...]
    seen: frozenset[int]
    refused: ReadSubscription | None = None
    why: str = ""

    @property
    def references(self) -> tuple[str, ...]:
        """What people call the orders that joined."""
        return tuple(row.name for row in (*self.serving, *self.upsells) if str(row.order) != self.id)

    @property
    def plans(self) -> dict[int, str]:
        """The plan of each order that invoices."""
        return {row.order: str(row.document["plan"]) for row in self.serving if row.document["plan"]}

    def document(self, known: Subscription | None) -> dict[str, object]:
        """Return the subscription's JSON: as the lead has it, but from when the first order began."""
        first = self.serving[0]
        begun = first.document["start_date"] if str(first.order) == self.id else None
        if begun is None and known is not None:
            begun = known.start_date.isoformat()
        return {**self.lead.document, "start_date": begun or self.lead.document["start_date"]}

    def orders(self, subscription: Subscription, known: Sequence[ChainedOrder]) -> tuple[ChainedOrder, ...]:
        """Return the chain, with those `known` that can't be seen any more where they were."""
        begin = subscription.terms.begin
        by_hand = {order.odoo_order_id: order.start for order in known}
        starts = {row.order: max(_start(row, subscription, by_hand), begin) for row in (*self.serving, *self.upsells)}
        unseen = [order for order in known if order.odoo_order_id not in self.seen]
        first = self.serving[0].order
        if self.id.isdecimal() and int(self.id) not in {first, *(order.odoo_order_id for order in unseen)}:
            unseen = [ChainedOrder(int(self.id), begin, starts[first], "initial"), *unseen]
        before = [(order.start, order.odoo_order_id) for order in unseen if order.kind != "upsell"]
        serving = sorted(before) + [(starts[row.order], row.order) for row in self.serving]
        upsells = [
            *(order for order in unseen if order.kind == "upsell"),
            *(ChainedOrder(row.order, starts[row.order], None, "upsell") for row in self.upsells),
        ]
        return tuple(sorted([*_contiguous(serving, begin), *upsells], key=_position))


def owner_of(order: int, rows: Rows, owned: Callable[[int], str | None]) -> Owner:
    """Return whose an order is: the nearest stored one's on the way from it to its first contract."""
    way = _way(order, rows)
    natural = str(way[-1])
    stored = next((found for each in way if (found := owned(each)) is not None), None)
    first = owned(way[-1])
    return Owner(stored or natural, first or natural)


def chain_of(id_: str, members: Iterable[ReadSubscription], rows: Rows) -> ReadChain | None:
    """Return the chain of one subscription's orders; None where none of them is more than a quotation.

    A renewal in another currency is not followed: what is still to be billed is in the former one.
    """
    members = list(members)
    serving = sorted((row for row in members if _serves(row, id_)), key=lambda row: _depth(row, rows))
    if not serving:
        return None
    upsells = sorted((row for row in members if _is_upsell(row)), key=lambda row: row.order)
    refused, why = None, ""
    for index, (before, row) in enumerate(pairwise(serving), 1):
        if before.document["currency"] != row.document["currency"]:
            refused, serving = row, serving[:index]
            currency, billed = row.document["currency"], before.document["currency"]
            why = f"currency: the renewal is in {currency}, but the subscription is billed in {billed}"
            break
    running = [row for row in serving if row.running]
    lead = (running or serving)[-1]
    seen = frozenset(row.order for row in members)
    return ReadChain(id_, lead, tuple(serving), tuple(upsells), seen, refused, why)


def _serves(row: ReadSubscription, id_: str) -> bool:
    """Return whether an order invoices, or did: a renewal once it is confirmed; the first one in any state."""
    if str(row.order) == id_ or not row.parent:
        return not _is_upsell(row)
    return row.confirmed and row.document["state"] in CONFIRMED


def _is_upsell(row: ReadSubscription) -> bool:
    return row.confirmed and row.document["state"] == UPSELL


def _way(order: int, rows: Rows) -> list[int]:
    """Return the known orders from one to its first contract."""
    way = [order]
    while (row := rows.get(way[-1])) is not None and len(way) < _MOST_LINKS:
        following = row.parent or row.origin
        if not following or following in way:
            break
        way.append(following)
    last = next((rows[each] for each in reversed(way) if each in rows), None)
    if last is not None and last.origin and last.origin not in way:
        way.append(last.origin)
    return way


def _depth(row: ReadSubscription, rows: Rows) -> tuple[int, int]:
    return len(_way(row.order, rows)), row.order


def _start(row: ReadSubscription, subscription: Subscription, by_hand: Mapping[int, datetime]) -> datetime:
    """Return when an order began; one that Odoo does not chain began when whoever chained it said."""
    if not row.parent and row.order in by_hand:
        return by_hand[row.order]
    begun = row.document["start_date"]
    try:
        return local_midnight(date.fromisoformat(str(begun)), subscription.timezone)
    except (TypeError, ValueError):
        return subscription.terms.begin


def _contiguous(serving: Sequence[tuple[datetime, int]], begin: datetime) -> list[ChainedOrder]:
    """Return the orders one after the other, each in force until the next one is."""
    starts: list[datetime] = []
    for start, _ in serving:
        starts.append(max(start, starts[-1]) if starts else begin)
    ends = [*starts[1:], None]
    kinds: list[OrderKind] = ["initial", *["renewal" for _ in serving[1:]]]  # type: ignore[list-item]
    return [
        ChainedOrder(order, start, end, kind)
        for (_, order), start, end, kind in zip(serving, starts, ends, kinds, strict=True)
    ]


def _position(order: ChainedOrder) -> tuple[datetime, bool]:
    return order.start, order.kind == "upsell"
