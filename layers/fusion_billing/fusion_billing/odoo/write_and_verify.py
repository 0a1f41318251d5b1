"""Lines written and read back: what Odoo holds is compared with what was rated, never assumed.

A line that does not come out is tried once more, plainly, and then taken back to what it was, or to a
quantity of zero, so that nothing wrong is invoiced. A line that is on an invoice already is left alone: Odoo
bills what a line's quantity has grown by since, so a price that changes, or a quantity that shrinks, would be
billed by nobody. That is an adjustment's matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fusion_billing.decimals import ZERO, plain
from fusion_billing.odoo import comparison
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import LineInvoiced, LineMismatch, NothingToInvoice, OdooError, RecordNotFound
from fusion_billing.odoo.line_attempt import (
    Attempt,
    FailedLine,
    RequestedLine,
    WriteResult,
    WrittenLine,
    columns_of,
    row_of,
    taxable_id,
)
from fusion_billing.odoo.order_line_reading import OdooLine, find_by_external_id, last_sequences, read_lines
from fusion_billing.odoo.taxed_lines import TaxedLines
from fusion_billing.odoo.taxes import TaxReader
from fusion_billing.odoo_lines.order_line import COLUMNS, Line

__all__ = ["FailedLine", "RequestedLine", "WriteResult", "Writer", "WrittenLine", "replace_columns"]

_MOST_CHANGES = 3  # without a discount, with the delivered quantity, at the price that its taxes ask for


class Writer:
    """Writes lines by way of a `Loader` and reads them back.

    `delivered` are products whose delivered quantity Odoo invoices; what is found out about more of them is
    added.
    """

    def __init__(self, odoo: Odoo, loader: Loader, delivered: set[int] | None = None) -> None:
        self._odoo = odoo
        self._loader = loader
        self._delivered = delivered if delivered is not None else set()
        self._taxed = TaxedLines(TaxReader(odoo))

    def look(self, wanted: Sequence[RequestedLine]) -> list[OdooLine | None]:
        """Return each line as it stands in Odoo, by its id or, where asked, by its external id."""
        ids: dict[str, int] = {one.line.external_id: one.known_id for one in wanted if one.known_id is not None}
        sought = [one for one in wanted if one.look_up_on]
        orders = {order for one in sought for order in one.look_up_on}
        names = {one.line.external_id for one in sought}
        ids |= find_by_external_id(self._odoo, names, orders, self._loader.seconds)
        held = read_lines(self._odoo, sorted(set(ids.values())), self._loader.seconds)
        return [held.get(ids.get(one.line.external_id, 0)) for one in wanted]

    def write(self, wanted: Sequence[RequestedLine], before: Sequence[OdooLine | None]) -> list[WriteResult]:
        """Put lines there, none of them invoiced; return what became of each.

        `before` is what `look` returned. Raises what `Loader.load` raises.
        """
        first = {index: self._first(one, held) for index, (one, held) in enumerate(zip(wanted, before, strict=True))}
        first |= self._at_the_end(first)
        first |= self._at_the_known_price(first)
        outcomes = self._write(first)
        attempts, again = dict(first), first
        for _ in range(_MOST_CHANGES):
            again = self._again(again, outcomes)
            if not again:
                break
            outcomes |= self._write(again)
            attempts |= again
        wrong = {
            index: (attempts[index], outcome)
            for index, outcome in outcomes.items()
            if isinstance(outcome, FailedLine) and isinstance(outcome.error, LineMismatch | NothingToInvoice)
        }
        outcomes |= self._taken_back(wrong)
        return [outcomes[index] for index in range(len(wanted))]

    def _first(self, one: RequestedLine, before: OdooLine | None) -> Attempt:
        plainly = one.plainly if one.is_plain else None
        delivered = one.line.product in self._delivered
        return Attempt(one, before, plainly or one.line, plainly is not None, delivered)

    def _at_the_end(self, attempts: Mapping[int, Attempt]) -> dict[int, Attempt]:
        """Return the lines with their place: a new one comes after the last of its order."""
        orders = {attempt.line.order for attempt in attempts.values() if attempt.before is None}
        if not orders:
            return {}
        last = last_sequences(self._odoo, orders, self._loader.seconds)
        placed = {}
        for index, attempt in attempts.items():
            order, before = attempt.line.order, attempt.before
            last[order] = last.get(order, 0) + (before is None)
            placed[index] = replace(attempt, sequence=last[order] if before is None else before.sequence)
        return placed

    def _at_the_known_price(self, attempts: Mapping[int, Attempt]) -> dict[int, Attempt]:
        """Return the lines that came out plainly alone before, where the taxes that stand on them say why."""
        known = {
            index: (attempt.line, attempt.before.id)
            for index, attempt in attempts.items()
            if attempt.no_discount and attempt.before is not None and attempt.line.amount
        }
        priced = self._taxed.of(known, self._loader.seconds)
        return {index: replace(attempts[index], line=line) for index, line in priced.items()}

    def _again(self, attempts: Mapping[int, Attempt], outcomes: Mapping[int, WriteResult]) -> dict[int, Attempt]:
        """Return what to try after these attempts: each remedy is tried once."""
        taxable = {
            index: (attempt.line, line_id)
            for index, attempt in attempts.items()
            if (line_id := taxable_id(attempt, outcomes[index])) is not None
        }
        again = {
            index: replace(attempts[index], line=line, no_discount=True, taxed=True)
            for index, line in self._taxed.of(taxable, self._loader.seconds).items()
        }
        for index in attempts.keys() - again.keys():
            attempt = self._second(attempts[index], outcomes[index])
            if attempt is not None:
                again[index] = attempt
        return again

    def _second(self, attempt: Attempt, outcome: WriteResult) -> Attempt | None:
        """Return what to try where no tax is at fault: the delivered quantity, or without a discount."""
        error = outcome.error if isinstance(outcome, FailedLine) else None
        if isinstance(error, NothingToInvoice) and not attempt.delivered:
            self._delivered.add(attempt.line.product)
            return replace(attempt, delivered=True)
        plainly = attempt.wanted.plainly
        if isinstance(error, LineMismatch) and plainly is not None and not attempt.no_discount:
            return replace(attempt, line=plainly, no_discount=True)
        return None

    def _write(self, attempts: Mapping[int, Attempt]) -> dict[int, WriteResult]:
        ids: dict[int, int] = {}
        outcomes: dict[int, WriteResult] = {}
        for columns in {columns_of(attempt) for attempt in attempts.values()}:
            group = {index: row_of(one, columns) for index, one in attempts.items() if columns_of(one) == columns}
            verdicts = replace_columns(self._loader, columns, list(group.values()))
            for index, result in zip(group, verdicts, strict=True):
                if isinstance(result, int):
                    ids[index] = result
                else:
                    is_known = not self._loader.is_unknown
                    before = attempts[index].before if is_known else None
                    outcomes[index] = FailedLine(result, before, is_known)
        held = read_lines(self._odoo, list(ids.values()), self._loader.seconds)
        for index, line_id in ids.items():
            outcomes[index] = self._verified(attempts[index], held.get(line_id))
        return outcomes

    def _verified(self, attempt: Attempt, held: OdooLine | None) -> WriteResult:
        was = attempt.before.invoiced if attempt.before is not None else ZERO
        seen = held
        if held is not None and held.invoiced != was:
            raced = self._raced(attempt, held)
            if raced is not None:
                return raced
            # Invoiced just as it was written: so it is compared as it was before that.
            seen = replace(held, invoiced=was, to_invoice=held.quantity - was)
        fault = comparison.fault(attempt.line, seen)
        if fault is not None or held is None:
            return FailedLine(fault or RecordNotFound("the line is gone", name="read back"), held, is_known=True)
        return WrittenLine(
            held.id,
            held.quantity,
            held.price,
            held.subtotal,
            was,
            attempt.line,
            is_plain=attempt.no_discount,
            discount=held.discount,
        )

    def _raced(self, attempt: Attempt, held: OdooLine) -> FailedLine | None:
        """Return what became of a line that Odoo invoiced between our look and the reading back.

        None where it was invoiced just as it was written. Invoiced as it had been, or as something in
        between, its quantity is set to what is invoiced, or what it grew by would be billed once by Odoo and
        once as an adjustment. Where its price alone changed, the invoice tells which of the two it has.
        """
        before = attempt.before
        is_fully_invoiced = held.invoiced == held.quantity
        is_same_form = before is not None and held.form == before.form
        is_other_quantity = before is None or held.quantity != before.quantity
        if is_fully_invoiced and (is_other_quantity or is_same_form):
            return None
        if not is_fully_invoiced:
            as_before = before is not None and before.quantity == held.invoiced
            price = before.price if before is not None and as_before else held.price
            held = self._set(attempt, held, replace(held, quantity=held.invoiced, price=price)) or held
        error = LineInvoiced("Odoo invoiced this line just as it was changed", name="qty_invoiced")
        return FailedLine(error, held, is_known=True)

    def _set(self, attempt: Attempt, held: OdooLine, target: OdooLine) -> OdooLine | None:
        """Give a line the quantity, price and discount of `target`; return it as it reads back.

        None where Odoo refuses.
        """
        columns = (*COLUMNS, "discount", *(["qty_delivered"] if attempt.delivered else []))
        row = [
            attempt.line.external_id,
            str(held.order),
            str(held.product),
            plain(target.quantity),
            plain(target.price),
            target.name or attempt.line.name,
            plain(target.discount),
            *([plain(target.quantity)] if attempt.delivered else []),
        ]
        [result] = replace_columns(self._loader, columns, [row])
        if not isinstance(result, int):
            return None
        return read_lines(self._odoo, [result], self._loader.seconds).get(result)

    def leave_invoiced(self, line: Line, held: OdooLine) -> OdooLine | None:
        """Leave of a line what is invoiced of it; return it as it reads back, None where Odoo refuses."""
        target, now = replace(held, quantity=held.invoiced), None
        for delivered in dict.fromkeys((held.product in self._delivered, True)):
            now = self._set(Attempt(RequestedLine(line), held, line, delivered=delivered), held, target)
            if now is None or now.to_invoice <= ZERO:
                break
        return now

    def _taken_back(self, wrong: Mapping[int, tuple[Attempt, FailedLine]]) -> dict[int, WriteResult]:
        return {
            index: self._take_back(attempt, failed)
            for index, (attempt, failed) in wrong.items()
            if failed.held is not None
        }

    def _take_back(self, attempt: Attempt, failed: FailedLine) -> FailedLine:
        """Take a wrong line back to what was verified before, or to nothing; say so in the reason."""
        held, before = failed.held, attempt.before
        assert held is not None  # noqa: S101  for the type checker: what is gone is not taken back
        invoiced = before.invoiced if before is not None else ZERO
        target = replace(held, quantity=invoiced, price=ZERO, discount=ZERO, subtotal=ZERO, total=ZERO)
        if before is not None and comparison.amount(attempt.line, before) == attempt.wanted.acknowledged:
            target = before
        now = self._set(attempt, held, target)
        if now is not None and now.invoiced != invoiced:
            raced = self._raced(replace(attempt, before=held), now)
            return raced or FailedLine(failed.error, now, is_known=True)
        is_done = now is not None and (now.form, now.subtotal) == (target.form, target.subtotal)
        told = _taken_back_text(target) if is_done else "it could not be taken back: change it in Odoo"
        error = type(failed.error)(f"{failed.error.message}; {told}", name=failed.error.name)
        return FailedLine(error, now or held, is_known=True, needs_operator=not is_done)


def replace_columns(loader: Loader, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> "list[int | OdooError]":
    """Load rows of other columns by the same loader, whose memory of what was carried out goes on."""
    usual, loader.columns = loader.columns, columns
    try:
        return list(loader.load(list(rows)))
    finally:
        loader.columns = usual


def _taken_back_text(target: OdooLine) -> str:
    if target.quantity == target.invoiced:
        return "it was set to a quantity of 0" if not target.invoiced else "it was set to what is invoiced"
    return f"it was set back to {plain(target.quantity)} at {plain(target.price)}"
