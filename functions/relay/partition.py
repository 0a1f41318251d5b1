"""One lane of due lines: leased to one run, sent call by call, each line read back.

A lane holds all lines of its orders and is leased to one run, which makes one call at a time in it. So no
order is ever in two calls, however many runs there are. The lease is renewed before a call that it would not
outlast twice over; after a call that timed out it stays closed until Odoo has certainly given that call up.
What became of a batch is written down while the next one is at Odoo.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from aws_lambda_powertools import Logger

from functions.relay.batches import packed
from functions.relay.invoices import InvoiceReading
from functions.relay.line_dependencies import Tools
from functions.relay.line_results import Failure, Outcomes, RunStatistics
from functions.relay.prepared_lines import ComputedRating, computed_rating, needs_no_call
from functions.relay.sending import UNRESOLVED_FOR, Sending
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.dynamodb.ratings.ratings import line_partition as lane_of
from fusion_billing.errors import FusionError, Unavailable
from fusion_billing.odoo.error_classification import as_configuration_error
from fusion_billing.odoo.errors import (
    ConfigurationError,
    OdooError,
    OdooUnavailable,
    PermanentError,
    ReadTimeout,
    TooManyRequests,
    TransientError,
)

LEASE = timedelta(seconds=120)

_PAGE = 300
_LEAST_SECONDS = 5.0
_SECONDS_FOR_A_BATCH = 20.0
_MARGIN_SECONDS = 8.0
_UNKNOWN_IN_A_ROW = 3

logger = Logger()


class OutOfTime(Exception):
    """The run's own time is over: what is due stays due."""


class LeaseLost(Exception):
    """The lane's lease ran out before it could be renewed: another run may have it by now."""


class Stop(Event):
    """Set when no lane shall begin another batch; counts the calls in a row whose outcome is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown = 0


@dataclass
class LinePartition:
    """One lane in one run."""

    tools: Tools
    line_partition: int
    statistics: RunStatistics
    stop: Stop
    writers: ThreadPoolExecutor
    leased_until: datetime | None = None
    closed_until: datetime | None = None
    only_invoices: bool = False
    writing: list[Future[None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The lease's name."""
        return f"LANE#{self.line_partition:02d}"

    def run(self) -> None:
        """Send what is due in the lane; the last of it is still being written down when this returns."""
        now = self.tools.clock()
        if self.stop.is_set() or not self.tools.leases.take(self.name, now, now + LEASE):
            return
        self.leased_until = now + LEASE
        try:
            if not self.only_invoices:
                self._batches()
            self._invoices()
        except OutOfTime:
            self.stop.set()
        except LeaseLost:
            logger.warning("the lease ran out", line_partition=self.name)

    def settle(self) -> None:
        """Wait until all is written down, and give the lease back."""
        if self.leased_until is None:
            return
        try:
            for done in self.writing:
                self._settled(done)
        finally:
            if self.closed_until is None:
                self.tools.leases.give_back(self.name)
            else:
                self.tools.leases.leave_closed(self.name, self.tools.clock(), self.closed_until)

    def _settled(self, done: "Future[None]") -> None:
        try:
            done.result()
        except Unavailable:
            # The line stays due, and a repeated load of the same row changes nothing.
            self.statistics.add("not_written")

    def _batches(self) -> None:
        lines, after = self._page(None)  # here, since the writers still have the lane before to write down
        while not self.stop.is_set() and self.closed_until is None:
            # The next one arrives while this one is at Odoo.
            coming = self.writers.submit(self._page, after) if after is not None else None
            for batch in packed(self._candidates(lines), self.tools.pace.largest):
                if self.stop.is_set() or self.closed_until is not None:
                    return
                if self.tools.remaining() < _SECONDS_FOR_A_BATCH:
                    raise OutOfTime
                self._send(batch)
            if coming is None:
                return
            lines, after = coming.result()

    def _invoices(self) -> None:
        """Read the invoices of lines whose period is closed."""
        if not self.stop.is_set() and self.closed_until is None:
            with self._failures_of(None):
                InvoiceReading(self.tools, self.statistics, self.line_partition, self._seconds).run()

    def _page(self, after: Any) -> tuple[list[StoredLine], Any]:
        return self.tools.store.due(self.line_partition, self.tools.clock(), _PAGE, after)

    def _candidates(self, lines: Sequence[StoredLine]) -> list[ComputedRating]:
        """Return the lines that need a call; fail and settle those that don't."""
        if not lines:
            return []
        made: list[ComputedRating] = []
        with self._failures_of(None):
            precision = self.tools.precision.of(self.tools.odoo)
            for line in lines:
                try:
                    one = computed_rating(line, precision)
                except FusionError as error:
                    self._write(self._outcomes.failed, line, None, Failure(error.code, error.message))
                    continue
                if self._may_still_be_carried_out(line):
                    continue
                if needs_no_call(one):
                    self._write(self._outcomes.unchanged, line, one.line_item, one.digest)
                elif (right := lane_of(one.order, self.tools.line_partitions)) != self.line_partition:
                    # Written under another number of lanes: what else the order has is in the right one.
                    self._write(self._outcomes.to_lane, line, right)
                else:
                    made.append(one)
        return made

    def _may_still_be_carried_out(self, line: StoredLine) -> bool:
        """Tell whether Odoo may yet be at work on a call whose result nobody knows."""
        return line.intent is not None and self.tools.clock() < line.intent.at + UNRESOLVED_FOR

    def _send(self, batch: list[ComputedRating]) -> None:
        sending = Sending(self.tools, self._outcomes, self._seconds, self._write)
        with self._failures_of(sending):
            sending.send(batch)
            self.stop.unknown = 0

    @contextmanager
    def _failures_of(self, sending: Sending | None) -> Iterator[None]:
        """Decide what a failure of a whole batch means for it, for the lane and for the run."""
        try:
            yield
        except OdooUnavailable as error:
            self._open_the_circuit(error)
        except TooManyRequests as error:
            self.stop.set()
            if sending is not None:
                sending.put_off(error, timedelta(seconds=min(max(error.after or 60, 1), 3600)))
        except TransientError as error:
            if isinstance(error, ReadTimeout):
                self.closed_until = self.tools.clock() + UNRESOLVED_FOR
            if sending is not None:
                sending.put_off(error)
            self.stop.unknown += error.unknown
            if self.stop.unknown >= _UNKNOWN_IN_A_ROW:
                self._open_the_circuit(error)
        except Unavailable:
            # The table would not take the intents: nothing was sent, and all of it stays due.
            self.stop.set()
            self.statistics.add("not_written", len(sending.pending) if sending is not None else 0)
        except (ConfigurationError, PermanentError) as error:
            # Not about a line: nothing can be sent until somebody has come, and all of it stays due.
            self.stop.set()
            self.statistics.alarm = as_configuration_error(error).code
            logger.error(  # noqa: TRY400  a trace would say nothing more
                "Odoo needs somebody", code=self.statistics.alarm, error=error.name, said=error.message
            )

    def _open_the_circuit(self, error: OdooError) -> None:
        self.stop.set()
        self.statistics.waiting = True
        until = self.tools.circuit.failed(self.tools.clock(), jitter=self.tools.random())
        logger.warning("Odoo is missing", code=error.code, error=error.name, until=until.isoformat())

    def _seconds(self) -> float:
        """Return how long the next call may take, seeing to it that the lease lasts twice as long.

        Raises `OutOfTime`, `LeaseLost`.
        """
        seconds = min(
            self.tools.odoo.seconds,
            LEASE.total_seconds() / 2,
            self.tools.remaining() - _MARGIN_SECONDS,
        )
        if seconds < _LEAST_SECONDS:
            raise OutOfTime
        now = self.tools.clock()
        if self.leased_until is None or self.leased_until < now + timedelta(seconds=2 * seconds):
            if not self.tools.leases.renew(self.name, now, now + LEASE):
                raise LeaseLost
            self.leased_until = now + LEASE
        return seconds

    @property
    def _outcomes(self) -> Outcomes:
        return Outcomes(self.tools.store, self.tools.events, self.statistics, self.tools.rerate)

    def _write(self, outcome: Callable[..., None], *about: object) -> None:
        self.writing.append(self.writers.submit(outcome, *about, self.tools.clock()))
