"""One partition of due order lines: leased to one run, sent batch by batch, each line read back.

A partition holds all lines of its orders, and a run makes one call at a time in it. So no order is ever in two
calls, however many runs there are. The results of a batch are written while the next batch is at Odoo.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event

from aws_lambda_powertools import Logger

from functions.relay.background_writes import BackgroundWrites
from functions.relay.batch_results import UNRESOLVED_FOR, BatchResults
from functions.relay.batches import packed
from functions.relay.failure_effects import CallFailure, effect_of
from functions.relay.invoices import InvoiceReading
from functions.relay.line_dependencies import RelayDependencies
from functions.relay.line_results import Failure, LineResults, RunStatistics
from functions.relay.partition_lease import LeaseLost, OutOfTime, PartitionLease
from functions.relay.prepared_lines import PreparedLine, needs_no_call, prepare
from functions.relay.sending import Sending
from fusion_billing.dynamodb.keys import Key, line_partition
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.errors import FusionError, Unavailable
from fusion_billing.odoo.error_classification import as_configuration_error
from fusion_billing.odoo.errors import OdooError

_PAGE = 300
_SECONDS_FOR_BATCH = 20.0
_MAX_UNKNOWN_IN_A_ROW = 3

logger = Logger()


class RunControl(Event):
    """Set when no partition may start another batch. Counts the calls in a row whose result is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown = 0


@dataclass
class LinePartition:
    """One partition in one run."""

    dependencies: RelayDependencies
    number: int
    statistics: RunStatistics
    control: RunControl
    writers: ThreadPoolExecutor
    only_invoices: bool = False

    def __post_init__(self) -> None:
        """Build what belongs to this partition alone: its lease, its writes and its results."""
        given = self.dependencies
        self.lease = PartitionLease(given.leases, self.number, given.clock, given.remaining, given.odoo.seconds)
        self.writes = BackgroundWrites(self.writers, given.clock, self.statistics)
        self.results = LineResults(given.store, given.events, self.statistics, given.rerate)

    def run(self) -> None:
        """Send what is due in the partition. The last results may still be being written on return."""
        if self.control.is_set() or not self.lease.take():
            return
        try:
            if not self.only_invoices:
                self._send_due_lines()
            if not self._is_stopped():
                self._call(InvoiceReading(self.dependencies, self.statistics, self.number, self._seconds).run)
        except OutOfTime:
            self.control.set()
        except LeaseLost:
            logger.warning("the lease of a partition expired", line_partition=self.lease.name)

    def finish(self) -> None:
        """Wait for the results to be written, then release the lease."""
        try:
            self.writes.wait()
        finally:
            self.lease.release()

    def _is_stopped(self) -> bool:
        return self.control.is_set() or self.lease.is_kept

    def _seconds(self) -> float:
        return self.lease.seconds_for_call()

    def _send_due_lines(self) -> None:
        lines, after = self._page(None)  # on this thread: the writers are still busy with the partition before
        while not self._is_stopped():
            next_page = self.writers.submit(self._page, after) if after is not None else None  # read meanwhile
            for batch in packed(self._lines_to_send(lines), self.dependencies.pace.largest):
                if self._is_stopped():
                    return
                if self.dependencies.remaining() < _SECONDS_FOR_BATCH:
                    raise OutOfTime
                self._send(batch)
            if next_page is None:
                return
            lines, after = next_page.result()

    def _page(self, after: Key | None) -> tuple[list[StoredLine], Key | None]:
        return self.dependencies.store.due(self.number, self.dependencies.clock(), _PAGE, after)

    def _lines_to_send(self, lines: Sequence[StoredLine]) -> list[PreparedLine]:
        """Return the lines that need a call to Odoo; write the results of those that need none."""
        found: list[PreparedLine] = []
        if lines:
            self._call(lambda: found.extend(self._prepared(lines)))
        return found

    def _prepared(self, lines: Sequence[StoredLine]) -> list[PreparedLine]:
        precision = self.dependencies.precision.of(self.dependencies.odoo)
        found: list[PreparedLine] = []
        for stored in lines:
            try:
                line = prepare(stored, precision)
            except FusionError as error:
                self._write_unreadable(stored, error)
                continue
            if not self._may_be_at_odoo(stored) and not self._needs_no_call(line):
                found.append(line)
        return found

    def _write_unreadable(self, stored: StoredLine, error: FusionError) -> None:
        self.writes.add(partial(self.results.failed, stored, None, Failure(error.code, error.message)))

    def _may_be_at_odoo(self, stored: StoredLine) -> bool:
        """Tell whether Odoo may still be processing a call with this line whose result is unknown."""
        return stored.intent is not None and self.dependencies.clock() < stored.intent.at + UNRESOLVED_FOR

    def _needs_no_call(self, line: PreparedLine) -> bool:
        """Write the result of a line that needs no call, or belongs to another partition."""
        if needs_no_call(line):
            self.writes.add(partial(self.results.unchanged, line.stored, line.line_item, line.digest))
            return True
        right = line_partition(line.order, self.dependencies.line_partitions)
        if right != self.number:  # stored while LINE_PARTITIONS had another value
            self.writes.add(partial(self.results.to_partition, line.stored, right))
            return True
        return False

    def _send(self, batch: list[PreparedLine]) -> None:
        results = BatchResults(self.dependencies, self.results, self.writes.add)
        sending = Sending(self.dependencies, results, self._seconds)
        if self._call(lambda: sending.send(batch), sending):
            self.control.unknown = 0

    def _call(self, call: Callable[[], None], sending: Sending | None = None) -> bool:
        """Make a call and handle the failure of all of it. Return whether it succeeded."""
        try:
            call()
        except (OdooError, Unavailable) as error:
            self._handle(error, sending)
            return False
        return True

    def _handle(self, error: CallFailure, sending: Sending | None) -> None:
        effect = effect_of(error)
        if effect.stops_run:
            self.control.set()
        if effect.keeps_partition_leased:
            self.lease.keep_until(self.dependencies.clock() + UNRESOLVED_FOR)
        if effect.is_not_written:
            self.statistics.add("not_written", sending.pending_count if sending is not None else 0)
        if isinstance(error, OdooError):
            if effect.postpones and sending is not None:
                sending.postpone(error, effect.pause)
            if effect.needs_operator:
                self._report_alarm(error)
            if effect.opens_circuit or self._fails_repeatedly(error, counts=effect.postpones and not effect.stops_run):
                self._open_circuit(error)

    def _fails_repeatedly(self, error: OdooError, *, counts: bool) -> bool:
        self.control.unknown += counts and error.unknown
        return counts and self.control.unknown >= _MAX_UNKNOWN_IN_A_ROW

    def _report_alarm(self, error: OdooError) -> None:
        self.statistics.alarm = as_configuration_error(error).code
        logger.error(
            "Odoo rejects every call until an operator fixes the configuration",
            code=self.statistics.alarm,
            error=error.name,
            odoo_message=error.message,
        )

    def _open_circuit(self, error: OdooError) -> None:
        self.control.set()
        self.statistics.waiting = True
        until = self.dependencies.circuit.failed(self.dependencies.clock(), jitter=self.dependencies.random())
        logger.warning("Odoo is unavailable", code=error.code, error=error.name, until=until.isoformat())
