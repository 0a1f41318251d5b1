"""Write order lines and verify them: what Odoo stores is read back and compared with what was rated.

A line that does not come out right is written again with one remedy at a time: at the price that its taxes need,
without a discount, with the delivered quantity. If nothing helps, it is rolled back (`line_rollback`), so that
nothing wrong is invoiced. A line that is already invoiced is never written; its changes are adjustments.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fusion_billing.odoo import comparison
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import LineMismatch, NothingToInvoice
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
from fusion_billing.odoo.line_rollback import LineRollback
from fusion_billing.odoo.order_line_reading import OdooLine, find_by_external_id, last_sequences, read_lines
from fusion_billing.odoo.taxed_lines import TaxedLines
from fusion_billing.odoo.taxes import TaxReader
from fusion_billing.odoo_lines.order_line import OrderLine

__all__ = ["FailedLine", "RequestedLine", "WriteResult", "Writer", "WrittenLine"]

_MAX_REMEDIES = 3  # the price that its taxes need, no discount, the delivered quantity

Attempts = Mapping[int, Attempt]
"""Attempts by the index of the line in the batch."""


class Writer:
    """Write lines with a `Loader` and verify them.

    Args:
        odoo: The client to read lines with.
        loader: Loads the lines; it also knows whether the result of a call is unknown.
        delivered: Products that Odoo invoices by delivered quantity. Products found to be so are added.
    """

    def __init__(self, odoo: Odoo, loader: Loader, delivered: set[int] | None = None) -> None:
        self._odoo = odoo
        self._loader = loader
        self._delivered = delivered if delivered is not None else set()
        self._taxed = TaxedLines(TaxReader(odoo))
        self._rollback = LineRollback(odoo, loader)

    def read(self, requested: Sequence[RequestedLine]) -> list[OdooLine | None]:
        """Return each line in Odoo, by its ID or, where requested, by its external ID."""
        ids = {line.line.external_id: line.known_id for line in requested if line.known_id is not None}
        looked_up = [line for line in requested if line.lookup_orders]
        orders = {order for line in looked_up for order in line.lookup_orders}
        names = {line.line.external_id for line in looked_up}
        ids |= find_by_external_id(self._odoo, names, orders, self._loader.seconds)
        odoo_lines = read_lines(self._odoo, sorted(set(ids.values())), self._loader.seconds)
        return [odoo_lines.get(ids.get(line.line.external_id, 0)) for line in requested]

    def write(self, requested: Sequence[RequestedLine], before: Sequence[OdooLine | None]) -> list[WriteResult]:
        """Write lines, none of which is invoiced, and return the result of each.

        Args:
            requested: The lines to write.
            before: What `read` returned for them.

        Raises:
            OdooError: What `Loader.load` raises.
        """
        attempts = self._first_attempts(requested, before)
        results = self._attempt(attempts)
        retries: Attempts = attempts
        for _ in range(_MAX_REMEDIES):
            retries = self._retries(retries, results)
            if not retries:
                break
            results |= self._attempt(retries)
            attempts |= retries
        results |= self._roll_back(attempts, results)
        return [results[index] for index in range(len(requested))]

    def keep_invoiced_part(self, line: OrderLine, odoo_line: OdooLine) -> OdooLine | None:
        """Reduce a line to what is invoiced of it; return it as read back, None if Odoo refuses."""
        delivered = dict.fromkeys((odoo_line.product in self._delivered, True))
        return self._rollback.keep_invoiced_part(line, odoo_line, delivered)

    def _first_attempts(
        self, requested: Sequence[RequestedLine], before: Sequence[OdooLine | None]
    ) -> dict[int, Attempt]:
        pairs = enumerate(zip(requested, before, strict=True))
        attempts = {index: self._first_attempt(line, odoo_line) for index, (line, odoo_line) in pairs}
        attempts |= self._with_sequences(attempts)
        return attempts | self._with_known_taxes(attempts)

    def _first_attempt(self, requested: RequestedLine, before: OdooLine | None) -> Attempt:
        fallback = requested.fallback if requested.uses_fallback else None
        delivered = requested.line.product in self._delivered
        return Attempt(requested, before, fallback or requested.line, fallback is not None, delivered)

    def _with_sequences(self, attempts: Attempts) -> dict[int, Attempt]:
        """Return the attempts with their position: a new line goes after the last line of its order."""
        orders = {attempt.line.order for attempt in attempts.values() if attempt.before is None}
        if not orders:
            return {}
        last = last_sequences(self._odoo, orders, self._loader.seconds)
        positioned = {}
        for index, attempt in attempts.items():
            order, before = attempt.line.order, attempt.before
            last[order] = last.get(order, 0) + (before is None)
            positioned[index] = replace(attempt, sequence=last[order] if before is None else before.sequence)
        return positioned

    def _with_known_taxes(self, attempts: Attempts) -> dict[int, Attempt]:
        """Return the attempts that need the fallback, at the price that the taxes on their lines need."""
        lines = {
            index: (attempt.line, attempt.before.id)
            for index, attempt in attempts.items()
            if attempt.no_discount and attempt.before is not None and attempt.line.amount
        }
        priced = self._taxed.of(lines, self._loader.seconds)
        return {index: replace(attempts[index], line=line) for index, line in priced.items()}

    def _retries(self, attempts: Attempts, results: Mapping[int, WriteResult]) -> dict[int, Attempt]:
        """Return the attempts to make after these; each remedy is tried once."""
        taxable = {
            index: (attempt.line, line_id)
            for index, attempt in attempts.items()
            if (line_id := taxable_id(attempt, results[index])) is not None
        }
        retries = {
            index: replace(attempts[index], line=line, no_discount=True, taxed=True)
            for index, line in self._taxed.of(taxable, self._loader.seconds).items()
        }
        for index in attempts.keys() - retries.keys():
            retry = self._retry(attempts[index], results[index])
            if retry is not None:
                retries[index] = retry
        return retries

    def _retry(self, attempt: Attempt, result: WriteResult) -> Attempt | None:
        """Return the next attempt if no tax is the cause: with the delivered quantity, or the fallback."""
        error = result.error if isinstance(result, FailedLine) else None
        if isinstance(error, NothingToInvoice) and not attempt.delivered:
            self._delivered.add(attempt.line.product)
            return replace(attempt, delivered=True)
        fallback = attempt.requested.fallback
        if isinstance(error, LineMismatch) and fallback is not None and not attempt.no_discount:
            return replace(attempt, line=fallback, no_discount=True)
        return None

    def _attempt(self, attempts: Attempts) -> dict[int, WriteResult]:
        ids, results = self._load(attempts)
        odoo_lines = read_lines(self._odoo, list(ids.values()), self._loader.seconds)
        verified = {index: self._verify(attempts[index], odoo_lines.get(line_id)) for index, line_id in ids.items()}
        return results | verified

    def _load(self, attempts: Attempts) -> tuple[dict[int, int], dict[int, WriteResult]]:
        """Load the lines, in one call for each set of columns; return the IDs of those loaded, and the failures."""
        groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, attempt in attempts.items():
            groups[columns_of(attempt)].append(index)
        ids: dict[int, int] = {}
        failures: dict[int, WriteResult] = {}
        for columns, indexes in groups.items():
            loaded = self._loader.load([row_of(attempts[index], columns) for index in indexes], columns)
            for index, result in zip(indexes, loaded, strict=True):
                if isinstance(result, int):
                    ids[index] = result
                else:
                    is_known = not self._loader.is_unknown
                    failures[index] = FailedLine(result, attempts[index].before if is_known else None, is_known)
        return ids, failures

    def _verify(self, attempt: Attempt, odoo_line: OdooLine | None) -> WriteResult:
        if odoo_line is None:
            return FailedLine(comparison.line_not_found(), is_known=True)
        invoiced, compared = attempt.invoiced_before, odoo_line
        if odoo_line.invoiced != invoiced:
            failed = self._rollback.after_concurrent_invoice(attempt, odoo_line)
            if failed is not None:
                return failed
            # Invoiced as it was written: compare it as it was before the invoice.
            compared = replace(odoo_line, invoiced=invoiced, to_invoice=odoo_line.quantity - invoiced)
        error = comparison.fault(attempt.line, compared)
        if error is None and not attempt.delivered:
            error = comparison.delivered_left(attempt.line, compared)
        if error is not None:
            return FailedLine(error, odoo_line, is_known=True)
        return WrittenLine(
            odoo_line.id,
            odoo_line.quantity,
            odoo_line.price,
            odoo_line.subtotal,
            invoiced,
            attempt.line,
            uses_fallback=attempt.no_discount,
            discount=odoo_line.discount,
        )

    def _roll_back(self, attempts: Attempts, results: Mapping[int, WriteResult]) -> dict[int, WriteResult]:
        """Roll back the lines that are in Odoo but wrong, and return their results."""
        return {
            index: self._rollback.roll_back(attempts[index], result.error, result.odoo_line)
            for index, result in results.items()
            if isinstance(result, FailedLine)
            and isinstance(result.error, LineMismatch | NothingToInvoice)
            and result.odoo_line is not None
        }
