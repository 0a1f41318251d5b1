"""Read what Odoo's invoices bill of closed periods' lines - and read it again, since invoices change.

A line's invoices are read once its period is closed; while one is a draft, or the line is still to be
invoiced, daily; after it is posted 1, 7, 30 and 90 days on, for a credit note. What a deleted draft, a
cancelled or a credited invoice billed stands on the order again, to be invoiced by Odoo itself: so what
counts as billed is what invoices hold, and what the order would yet bring onto one. An order that was
renewed or closed brings nothing onto one by itself: there only what is invoiced is left, and rating bills the
rest anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from functions.relay.batch_results import UNRESOLVED_FOR
from functions.relay.line_dependencies import RelayDependencies
from functions.relay.line_results import RunStatistics
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import EXACT, ZERO
from fusion_billing.dynamodb.keys import line_partition as partition_of
from fusion_billing.dynamodb.ratings.order_line_items import Standing, StoredLine
from fusion_billing.errors import FusionError
from fusion_billing.odoo import orders
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.comparison import billable
from fusion_billing.odoo.invoices import Billed, read_billed
from fusion_billing.odoo.order_line_reading import OdooLine, find_by_external_id, read_lines
from fusion_billing.odoo.write_and_verify import Writer
from fusion_billing.odoo_lines.line_item import LineItem, read
from fusion_billing.odoo_lines.order_line import OrderLine, to_order_line

LINES_A_LOOK = 100
DAILY = timedelta(days=1)
AFTER_POSTING = (timedelta(days=1), timedelta(days=6), timedelta(days=23), timedelta(days=60))
"""Pauses before a posted invoice is read again, so 1, 7, 30 and 90 days on; then no more."""

_DAILY_LOOKS = 60
_WEEKLY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Closed:
    """A line of a closed period: its line item, the order line made of it, and the line in Odoo."""

    stored: StoredLine
    line_item: LineItem
    line: OrderLine
    held: OdooLine | None = None
    is_passed_by: bool = False
    """Whether its order is one that Odoo does not invoice by itself any more."""

    @property
    def is_pending(self) -> bool:
        """Tell whether something of it is still to be invoiced."""
        if self.held is None:
            return False
        return self.held.to_invoice > ZERO if self.held.state == "sale" else self.held.state != "cancel"


@dataclass
class InvoiceReading:
    """Reads the invoices of one partition's lines, under its lease."""

    dependencies: RelayDependencies
    statistics: RunStatistics
    line_partition: int
    seconds: Callable[[], float]
    rated_again: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Read the invoices that are due. Raises any `OdooError`; what was not read stays due."""
        now = self.dependencies.clock()
        lines = self.dependencies.store.to_be_read(self.line_partition, now, LINES_A_LOOK)
        closed = [one for line in lines if (one := self._closed(line, now)) is not None]
        if not closed:
            return
        closed = self._passed_by(self._found(closed))
        ids = [one.held.id for one in closed if one.held is not None]
        billed = read_billed(self.dependencies.odoo, ids, self.seconds)
        if billed is None:
            self.statistics.invoices_unreadable = True
        for one in closed:
            self._note(one, billed, now)
        for subscription in sorted(self.rated_again):
            self.dependencies.rerate(subscription)

    def _closed(self, stored: StoredLine, now: datetime) -> _Closed | None:
        """Return a line ready to be looked up; None if it has to wait, or belongs to another partition."""
        if stored.intent is not None and now < stored.intent.at + UNRESOLVED_FOR:
            self.dependencies.store.read_later(stored, self.line_partition, stored.intent.at + UNRESOLVED_FOR)
            return None
        try:
            line_item = read(stored.document, stored.key.subscription)
            precision = self.dependencies.precision.of(self.dependencies.odoo)
            line = to_order_line(line_item, precision, suffix=stored.suffix)
        except FusionError:
            # It was never sent as it is now; its last version may have been, and keeps what was acknowledged.
            self.dependencies.store.read_later(stored, self.line_partition, now + DAILY)
            return None
        right = partition_of(stored.order_it_may_be_on or line_item.order, self.dependencies.line_partitions)
        if right != self.line_partition:
            self.dependencies.store.read_later(stored, right, now)
            return None
        return _Closed(stored, line_item, line)

    def _found(self, closed: Sequence[_Closed]) -> list[_Closed]:
        """Return the lines with their lines in Odoo; those whose result is unknown are found by external ID."""
        sought = [one for one in closed if one.stored.is_unresolved]
        orders = {order for one in sought if (order := one.stored.order_it_may_be_on) is not None}
        names = {one.line.external_id for one in sought}
        found = find_by_external_id(self.dependencies.odoo, names, orders, self.seconds)
        ids = [found.get(one.line.external_id, one.stored.odoo_id) for one in closed]
        held = read_lines(self.dependencies.odoo, sorted({one for one in ids if one is not None}), self.seconds)
        return [
            _Closed(one.stored, one.line_item, one.line, held.get(line_id) if line_id is not None else None)
            for one, line_id in zip(closed, ids, strict=True)
        ]

    def _passed_by(self, closed: Sequence[_Closed]) -> list[_Closed]:
        """Return the lines, of those on orders that Odoo passes by now nothing being left to invoice.

        Where Odoo refuses (the order is locked) it stays there, and does not count as billed either.
        """
        pending = {one.held.order for one in closed if one.held and one.is_pending}
        over = orders.orders_not_invoiced_by_odoo(self.dependencies.odoo, pending, self.seconds)
        writer = Writer(
            self.dependencies.odoo,
            Loader(self.dependencies.odoo, self.seconds, self.dependencies.pause),
            self.dependencies.delivered,
        )
        found = []
        for one in closed:
            # An order may run until its end date is noticed, or have no state: the line says that it ended.
            is_over = one.line_item.final_invoice or (one.held is not None and one.held.order in over)
            if one.held is not None and is_over and one.is_pending:
                left = writer.keep_invoiced_part(one.line, one.held) or one.held
                found.append(replace(one, held=left, is_passed_by=True))
            else:
                found.append(one)
        return found

    def _note(self, one: _Closed, billed: dict[int, Billed] | None, now: datetime) -> None:
        amount, state = _of(one, billed)
        text = with_digits(amount, one.line_item.currency)
        standing = None
        if one.stored.is_unresolved:
            standing = Standing(one.held.id, one.held.order, text) if one.held is not None else Standing()
        is_same = (one.stored.billed, one.stored.billed_state) == (Decimal(text), state)
        looks = one.stored.looks + 1 if is_same else 0
        pause = _pause(state, looks)
        done = self.dependencies.store.billed(
            one.stored,
            Decimal(text),
            state,
            now,
            next_look=None if pause is None else (self.line_partition, now + pause),
            looks=looks,
            by_order_line=_is_told_by_order_line(one, billed),
            standing=standing,
        )
        if done:
            self.statistics.add("invoices_read")
            if one.stored.billed is None or one.stored.billed != Decimal(text):
                self.rated_again.add(one.line_item.subscription)


def _of(one: _Closed, billed: dict[int, Billed] | None) -> tuple[Decimal, str]:
    """Return what is billed of a line, and how far its invoices are: `none`, `pending`, `draft`, `posted`."""
    held = one.held
    if held is None:
        return ZERO, "none"
    everything = billable(one.line, held)
    is_pending = one.is_pending
    if one.is_passed_by:
        everything = _share(everything, held)
    if billed is None:
        # Without the right to read invoices, the order line is all that is known.
        return everything, "pending" if is_pending else "posted"
    told = billed.get(held.id, Billed())
    amount = told.amount(with_taxes=one.line.with_taxes)
    if is_pending:
        rest = ZERO if one.is_passed_by else EXACT.subtract(everything, _share(everything, held))
        return EXACT.add(amount, rest), "pending"
    if not told.count:
        return ZERO, "none"
    return amount, "draft" if told.is_draft else "posted"


def _is_told_by_order_line(one: _Closed, billed: dict[int, Billed] | None) -> bool:
    """Tell whether the order line told the amount, or a part of it, since no invoice could.

    Invoices may be hidden from the API key, or not exist yet.
    """
    is_to_come = one.is_pending and not one.is_passed_by
    return one.held is not None and (billed is None or is_to_come)


def _share(everything: Decimal, held: OdooLine) -> Decimal:
    """Return the part of a line's amount that is invoiced: nothing, or nearly always all of it."""
    whole = EXACT.add(held.invoiced, held.to_invoice)
    return EXACT.divide(EXACT.multiply(everything, held.invoiced), whole) if held.invoiced else ZERO


def _pause(state: str, looks: int) -> timedelta | None:
    if state == "posted":
        return AFTER_POSTING[looks] if looks < len(AFTER_POSTING) else None
    if state == "none":
        return DAILY if looks < len(AFTER_POSTING) else None
    return DAILY if looks < _DAILY_LOOKS else _WEEKLY
