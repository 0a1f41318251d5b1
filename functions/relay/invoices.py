"""Read the invoiced amounts of lines of closed periods, again and again, since invoices change.

The invoices of a line are read once its period is closed: daily while one is a draft or the line is still to be
invoiced, and 1, 7, 30 and 90 days after posting, for credit notes. If a draft is deleted, or an invoice cancelled or
credited, its amount is to be invoiced again by Odoo. So the billed amount is what is invoiced plus what the order
will still be invoiced for. An order that was renewed or closed is not invoiced any more: its line is reduced to the
invoiced part, and rating bills the rest.
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
    """A line of a closed period: its line item, its order line, and the line in Odoo."""

    stored: StoredLine
    line_item: LineItem
    line: OrderLine
    odoo_line: OdooLine | None = None
    is_not_invoiced: bool = False
    """Whether Odoo no longer invoices its order by itself."""

    @property
    def is_pending(self) -> bool:
        """Return whether a part of it is still to be invoiced."""
        if self.odoo_line is None:
            return False
        return self.odoo_line.to_invoice > ZERO if self.odoo_line.state == "sale" else self.odoo_line.state != "cancel"


@dataclass
class InvoiceReading:
    """Reads the invoices of one partition's lines, under its lease."""

    dependencies: RelayDependencies
    statistics: RunStatistics
    line_partition: int
    seconds: Callable[[], float]
    rated_again: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Read the invoices that are due. Raises any `OdooError`; lines that were not read stay due."""
        now = self.dependencies.clock()
        lines = self.dependencies.store.to_be_read(self.line_partition, now, LINES_A_LOOK)
        closed = [found for line in lines if (found := self._closed(line, now)) is not None]
        if not closed:
            return
        closed = self._reduced(self._found(closed))
        ids = [each.odoo_line.id for each in closed if each.odoo_line is not None]
        billed = read_billed(self.dependencies.odoo, ids, self.seconds)
        if billed is None:
            self.statistics.invoices_unreadable = True
        for each in closed:
            self._note(each, billed, now)
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
            # This version was never sent. An earlier one may have been: what was acknowledged of it stays.
            self.dependencies.store.read_later(stored, self.line_partition, now + DAILY)
            return None
        right = partition_of(stored.order_it_may_be_on or line_item.order, self.dependencies.line_partitions)
        if right != self.line_partition:
            self.dependencies.store.read_later(stored, right, now)
            return None
        return _Closed(stored, line_item, line)

    def _found(self, closed: Sequence[_Closed]) -> list[_Closed]:
        """Return the lines with their lines in Odoo; those whose result is unknown are found by external ID."""
        unresolved = [each for each in closed if each.stored.is_unresolved]
        orders = {order for each in unresolved if (order := each.stored.order_it_may_be_on) is not None}
        names = {each.line.external_id for each in unresolved}
        found = find_by_external_id(self.dependencies.odoo, names, orders, self.seconds)
        ids = [found.get(each.line.external_id, each.stored.odoo_id) for each in closed]
        known = sorted({line_id for line_id in ids if line_id is not None})
        odoo_lines = read_lines(self.dependencies.odoo, known, self.seconds)
        return [
            replace(each, odoo_line=odoo_lines.get(line_id) if line_id is not None else None)
            for each, line_id in zip(closed, ids, strict=True)
        ]

    def _reduced(self, closed: Sequence[_Closed]) -> list[_Closed]:
        """Reduce lines of orders that Odoo no longer invoices to their invoiced part; return all lines.

        If Odoo refuses (the order is locked), the line stays, and its rest does not count as billed.
        """
        pending = {each.odoo_line.order for each in closed if each.odoo_line and each.is_pending}
        over = orders.orders_not_invoiced_by_odoo(self.dependencies.odoo, pending, self.seconds)
        writer = Writer(
            self.dependencies.odoo,
            Loader(self.dependencies.odoo, self.seconds, self.dependencies.pause),
            self.dependencies.delivered,
        )
        found = []
        for each in closed:
            odoo_line = each.odoo_line
            # An order may run until its end date is noticed, or have no state: the line says that it ended.
            is_over = each.line_item.final_invoice or (odoo_line is not None and odoo_line.order in over)
            if odoo_line is not None and is_over and each.is_pending:
                left = writer.keep_invoiced_part(each.line, odoo_line) or odoo_line
                found.append(replace(each, odoo_line=left, is_not_invoiced=True))
            else:
                found.append(each)
        return found

    def _note(self, closed: _Closed, billed: dict[int, Billed] | None, now: datetime) -> None:
        amount, state = _billed_amount(closed, billed)
        text = with_digits(amount, closed.line_item.currency)
        standing = None
        if closed.stored.is_unresolved:
            standing = (
                Standing(closed.odoo_line.id, closed.odoo_line.order, text)
                if closed.odoo_line is not None
                else Standing()
            )
        is_same = (closed.stored.billed, closed.stored.billed_state) == (Decimal(text), state)
        looks = closed.stored.looks + 1 if is_same else 0
        pause = _pause(state, looks)
        done = self.dependencies.store.billed(
            closed.stored,
            Decimal(text),
            state,
            now,
            next_look=None if pause is None else (self.line_partition, now + pause),
            looks=looks,
            by_order_line=_is_from_order_line(closed, billed),
            standing=standing,
        )
        if done:
            self.statistics.add("invoices_read")
            if closed.stored.billed is None or closed.stored.billed != Decimal(text):
                self.rated_again.add(closed.line_item.subscription)


def _billed_amount(closed: _Closed, billed: dict[int, Billed] | None) -> tuple[Decimal, str]:
    """Return the billed amount of a line, and the state of its invoices: `none`, `pending`, `draft`, `posted`."""
    odoo_line = closed.odoo_line
    if odoo_line is None:
        return ZERO, "none"
    everything = billable(closed.line, odoo_line)
    is_pending = closed.is_pending
    if closed.is_not_invoiced:
        everything = _share(everything, odoo_line)
    if billed is None:
        # Invoices can't be read: only the order line is known.
        return everything, "pending" if is_pending else "posted"
    invoiced = billed.get(odoo_line.id, Billed())
    amount = invoiced.amount(with_taxes=closed.line.with_taxes)
    if is_pending:
        rest = ZERO if closed.is_not_invoiced else EXACT.subtract(everything, _share(everything, odoo_line))
        return EXACT.add(amount, rest), "pending"
    if not invoiced.count:
        return ZERO, "none"
    return amount, "draft" if invoiced.is_draft else "posted"


def _is_from_order_line(closed: _Closed, billed: dict[int, Billed] | None) -> bool:
    """Return whether the amount, or a part of it, is from the order line and not from invoices.

    Invoices may be hidden from the API key, or not exist yet.
    """
    is_to_come = closed.is_pending and not closed.is_not_invoiced
    return closed.odoo_line is not None and (billed is None or is_to_come)


def _share(everything: Decimal, odoo_line: OdooLine) -> Decimal:
    """Return the part of a line's amount that is invoiced: nothing, or nearly always all of it."""
    whole = EXACT.add(odoo_line.invoiced, odoo_line.to_invoice)
    return EXACT.divide(EXACT.multiply(everything, odoo_line.invoiced), whole) if odoo_line.invoiced else ZERO


def _pause(state: str, looks: int) -> timedelta | None:
    if state == "posted":
        return AFTER_POSTING[looks] if looks < len(AFTER_POSTING) else None
    if state == "none":
        return DAILY if looks < len(AFTER_POSTING) else None
    return DAILY if looks < _DAILY_LOOKS else _WEEKLY
