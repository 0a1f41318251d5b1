"""Send one batch of a partition's lines: check the orders, read the lines, write the intents, make the call.

Before a line is sent its intent is written. Whatever happens from then on - a result that is lost, a process
that is killed - the intent stands until the line was read from Odoo, and the line is looked up before the next
call that is about it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from functions.relay.batch_results import BatchResults
from functions.relay.line_dependencies import RelayDependencies
from functions.relay.line_steps import Step, step_of
from functions.relay.prepared_lines import PreparedLine
from fusion_billing.currencies import with_digits
from fusion_billing.dynamodb.ratings.order_line_items import Intent
from fusion_billing.odoo import orders
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.errors import OdooError, PermanentError
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo.write_and_verify import FailedLine, RequestedLine, Writer

Orders = Mapping[int, orders.Order]


@dataclass
class Sending:
    """One batch.

    Args:
        seconds: Returns how long the next call may take; raises `OutOfTime` or `LeaseLost`.
    """

    dependencies: RelayDependencies
    results: BatchResults
    seconds: Callable[[], float]
    loader: Loader = field(init=False)

    def __post_init__(self) -> None:
        """Build the loader, which counts the calls that Odoo may have carried out."""
        self.loader = Loader(self.dependencies.odoo, self.seconds, self.dependencies.pause)

    @property
    def pending_count(self) -> int:
        """The number of lines without a result."""
        return len(self.results.pending)

    def send(self, batch: list[PreparedLine]) -> None:
        """Send a batch.

        Raises:
            OdooError: All of the batch failed; the lines that it concerns have no result yet.
        """
        self.results.begin(batch)
        known, faults = orders.check_orders(self.dependencies.odoo, {line.order for line in batch}, self.seconds)
        requested = self._requested(batch, known)
        writer = Writer(self.dependencies.odoo, self.loader, self.dependencies.delivered)
        odoo_lines = writer.read(requested)
        self._note_odoo_lines(batch, requested, odoo_lines)
        steps = [
            self._step(line, request, odoo_line, known, faults)
            for line, request, odoo_line in zip(batch, requested, odoo_lines, strict=True)
        ]
        self._write(writer, self._with_intents([step for step in steps if step is not None]))

    def postpone(self, error: OdooError, pause: timedelta | None = None) -> None:
        """Postpone the lines without a result, after a failure of the whole call."""
        is_known = not (self.loader.is_unknown or self.loader.is_done or error.unknown)
        self.results.postpone_pending(error, pause, is_known=is_known)

    def _requested(self, batch: list[PreparedLine], known: Orders) -> list[RequestedLine]:
        """Return the lines to request, each in its customer's language."""
        named = [known[line.order].partner for line in batch if line.line_item.names and line.order in known]
        partners = {partner for partner in named if partner}
        languages = orders.languages(self.dependencies.odoo, partners, self.seconds) if partners else {}
        found = []
        for line in batch:
            order = known.get(line.order)
            found.append(line.requested(languages.get(order.partner or 0, "") if order is not None else ""))
        return found

    def _note_odoo_lines(
        self, batch: list[PreparedLine], requested: list[RequestedLine], odoo_lines: list[OdooLine | None]
    ) -> None:
        for line, request, odoo_line in zip(batch, requested, odoo_lines, strict=True):
            if request.lookup_orders or odoo_line is not None or not line.stored.is_unresolved:
                self.results.odoo_lines[line.identity] = odoo_line

    def _step(
        self,
        line: PreparedLine,
        request: RequestedLine,
        odoo_line: OdooLine | None,
        known: Orders,
        faults: Mapping[int, PermanentError],
    ) -> Step | None:
        """Return the step that needs a call, None if the line's result is written without one."""
        fault = faults.get(line.order) or (None if line.is_elsewhere else line.fault(known.get(line.order)))
        step = step_of(line, request, odoo_line, fault)
        if isinstance(step, FailedLine):
            self.results.fail(line, step)
            return None
        if step.kind not in ("write", "retire"):
            self.results.finish_without_call(step)
            return None
        return step

    def _with_intents(self, steps: list[Step]) -> list[Step]:
        """Write the intents of the lines to be sent; return the steps of those that may be."""
        if not steps:
            return []
        self.seconds()  # write no intent if there is no time left for the call, or the lease is lost
        now = self.dependencies.clock()
        intents = [(step.prepared.stored, _intent(step, now)) for step in steps]
        may_send = self.dependencies.store.intend(intents)
        found = []
        for step, (stored, intent), is_allowed in zip(steps, intents, may_send, strict=True):
            line = replace(step.prepared, stored=replace(stored, intent=intent))
            if is_allowed:
                self.results.pending[line.identity] = line
                found.append(replace(step, prepared=line))
            else:
                self.results.overtaken(line)
        return found

    def _write(self, writer: Writer, steps: list[Step]) -> None:
        if not steps:
            return
        with self.dependencies.pace.timed(len(steps), self.dependencies.clock):
            results = writer.write([step.requested for step in steps], [step.odoo_line for step in steps])
        self.results.finish(steps, results)


def _intent(step: Step, now: datetime) -> Intent:
    line = step.requested.line
    amount = with_digits(line.amount, step.prepared.line_item.currency)
    digest = step.prepared.digest if step.kind == "write" else ""
    return Intent(step.prepared.stored.version, amount, digest, line.order, now)
