"""Find copies of our order lines; set them to quantity zero if they are certainly copies, else report them.

A copy is certain where it has the product and the title of one of our lines and stands on an order of a
subscription that is known. On such an order any other line of our products is reported too; elsewhere, a
line of our product is an ordinary sale unless it is a copy.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fusion_billing.billing.rating import RatingKey
from fusion_billing.catalog.charge import Charge
from fusion_billing.currencies import with_digits
from fusion_billing.dynamodb.keys import line_partition, partition_lease
from fusion_billing.errors import FusionError, NotFound
from fusion_billing.odoo.errors import OdooError
from fusion_billing.odoo.guarding_ports import KnownSubscriptions, OrderLeases
from fusion_billing.odoo.line_copies import ForeignLine, foreign, to_be_invoiced
from fusion_billing.odoo.line_findings import ADDED, COPIED, FindingJson, SentLine
from fusion_billing.odoo.line_guarding import Comparison, LineGuarding, count, event_data
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo_lines.external_id import rating_of
from fusion_billing.odoo_lines.line_guard import Note, decide, notes_text, read_notes, with_note

_LEASE = timedelta(seconds=60)
_MAY_STILL_BE_CARRIED_OUT = timedelta(seconds=120)
_REPORTED_AGAIN = timedelta(hours=20)


@dataclass(frozen=True)
class CopyGuarding:
    """Find copies and handle them as `LineGuarding` handles changes."""

    lines: LineGuarding
    subscriptions: KnownSubscriptions
    leases: OrderLeases

    def compare(
        self,
        products: Collection[int],
        result: Comparison,
        *,
        orders: Collection[int] | None = None,
        known: Collection[int] = (),
        after: int = 0,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> int | None:
        """Look for copies on `orders`, or on all, after the line `after`.

        `known` are ids of lines that are ours. Return after which line to go on where `may_go_on` said no,
        None where all was looked at. Raises any `OdooError`.
        """
        seconds, odoo = self.lines.seconds, self.lines.odoo
        for page in to_be_invoiced(odoo, products, seconds, orders=orders, after=after):
            unknown = [line for line in page if line.id not in known]
            for line in foreign(odoo, unknown, seconds) if unknown else ():
                self._look_at(line, result)
            if not may_go_on():
                return page[-1].id
        return None

    def _look_at(self, line: ForeignLine, result: Comparison) -> None:
        owner = self.subscriptions.of_order(line.odoo_line.order)
        if owner is None and not line.is_copy:
            return  # an ordinary sale of the same product
        original = self._original(line, owner)
        about = _about(line, owner, original)
        if self.lines.guard is None:
            result.findings.append(about)
            return
        note = self._noted(line, owner, original, about)
        before = _before(original, line.odoo_line)
        is_known = note.action == "reported" and note.is_same(before)
        result.findings.append(about | {"repaired": note.action == "repaired", "reason": note.why})
        if not is_known:
            count(result, note, about)
        is_fresh = is_known and before is not None and note.at < before.at + _REPORTED_AGAIN
        if original is not None and not is_fresh:
            self._write(line, original, note, about, is_known=is_known)

    def _original(self, line: ForeignLine, owner: str | None) -> SentLine | None:
        """Return the line that it is a copy of, or the one of the same product that is billed beside it.

        None where nothing is known of either: the finding is then counted and logged each time it is seen.
        """
        if line.copy_of is not None:
            named = rating_of(line.copy_of)
            found = self._stored(RatingKey(named[0], named[2], named[1], named[3])) if named else None
            if found is not None:
                return found
        stored = self.subscriptions.get(owner) if owner is not None else None
        if stored is None:
            return None
        rated = self.lines.store.in_period(stored.id, stored.calendar.open.start)
        return next((sent for sent in self.lines.read(rated) if sent.line_item.product == line.odoo_line.product), None)

    def _stored(self, key: RatingKey) -> SentLine | None:
        try:
            return next(iter(self.lines.read([self.lines.store.get(key)])), None)
        except NotFound:
            return None

    def _noted(self, line: ForeignLine, owner: str | None, original: SentLine | None, about: FindingJson) -> Note:
        """Return the finding with what was done about it."""
        guard, now = self.lines.guard, self.lines.clock()
        assert guard is not None  # noqa: S101  for the type checker: without a guard nothing is decided
        note = Note(tuple(about["found"]), about["amount"], about["odoo_amount"], line.odoo_line.order, "reported", now)
        decided = decide(note, _before(original, line.odoo_line), guard, _reason(line, owner))
        if decided.action != "repaired":
            return decided
        why = self._empty(line.odoo_line)
        return decided if not why else replace(decided, action="reported", why=why)

    def _empty(self, odoo_line: OdooLine) -> str:
        """Set a copy to quantity zero; return the reason if that failed, else an empty string.

        Holds the lease of the order's partition, since no two calls may change one order at once.
        """
        name = partition_lease(line_partition(odoo_line.order, self.lines.line_partitions))
        now = self.lines.clock()
        if not self.leases.take(name, now, now + _LEASE):
            return "the relay is writing to its order; it is checked again later"
        closed_until = now
        try:
            self.lines.odoo.call(
                "sale.order.line",
                "write",
                ids=[odoo_line.id],
                vals={"product_uom_qty": 0},
                seconds=self.lines.seconds(),
            )
        except OdooError as error:
            if error.unknown:
                closed_until = now + _MAY_STILL_BE_CARRIED_OUT
            return error.message
        except FusionError as error:
            return error.message
        finally:
            self._let_go(name, now, closed_until)
        return ""

    def _let_go(self, name: str, now: datetime, until: datetime) -> None:
        if until > now:
            self.leases.leave_closed(name, now, until)
        else:
            self.leases.give_back(name)

    def _write(self, line: ForeignLine, original: SentLine, note: Note, about: FindingJson, *, is_known: bool) -> None:
        """Note a finding on its original's rating, with its event unless it was reported before."""
        stored = original.stored
        notes = notes_text(with_note(read_notes(stored.guard), str(line.odoo_line.id), note))
        if is_known:
            self.lines.store.note(stored, notes, note.at, is_listed=note.is_open)
            return
        data = {**original.about((), None), **about, **event_data(note)}
        prepared = self.lines.event("line.changed", original, data, note.at)
        if self.lines.store.note(stored, notes, note.at, prepared.writes, is_listed=note.is_open):
            self.lines.events.wake_up(prepared)


def products_of(charges: Iterable[Charge]) -> frozenset[int]:
    """Return the Odoo products that charges, in all their versions, put onto orders."""
    return frozenset(charge.odoo_product_id for charge in charges if charge.odoo_product_id)


def _about(line: ForeignLine, owner: str | None, original: SentLine | None) -> FindingJson:
    """Return a finding as JSON: amounts with taxes or without, as those of the original are."""
    odoo_line = line.odoo_line
    about: FindingJson = {
        "line": None,
        "subscription": owner,
        "odoo_order_id": odoo_line.order,
        "odoo_line_id": odoo_line.id,
        "amount": "0",
        "odoo_amount": str(odoo_line.subtotal),
        "found": [COPIED if line.is_copy else ADDED],
    }
    if original is None:
        return about
    currency = original.line_item.currency
    amount = odoo_line.amount(with_taxes=original.line_item.with_taxes)
    return about | {
        "line": original.stored.key.line,
        "subscription": original.line_item.subscription,
        "charge": original.line_item.charge,
        "amount": with_digits(amount - amount, currency),
        "odoo_amount": with_digits(amount, currency),
        "currency": currency,
    }


def _before(original: SentLine | None, odoo_line: OdooLine) -> Note | None:
    return None if original is None else read_notes(original.stored.guard).get(str(odoo_line.id))


def _reason(line: ForeignLine, owner: str | None) -> str:
    """Return why a copy is not set to zero; empty if it may be."""
    if line.odoo_line.invoiced:
        return "it is on an invoice"
    if not line.is_copy:
        return "its text matches none of our lines; it may be an ordinary sale"
    return "" if owner is not None else "its order belongs to no known subscription"
