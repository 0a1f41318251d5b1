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
from functions.relay.candidates import Candidate, candidate, settled_without_a_call
from functions.relay.outcomes import Outcomes, Tally
from functions.relay.strays import Strays
from fusion_billing.errors import FusionError, Unavailable
from fusion_billing.lines.line import Mode
from fusion_billing.odoo import orders
from fusion_billing.odoo.classification import as_alarm
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import (
    Alarm,
    Invoiced,
    OdooError,
    Park,
    Retry,
    TimedOut,
    TooManyRequests,
    Wait,
)
from fusion_billing.odoo.load import Loader
from fusion_billing.odoo.precision import Cached
from fusion_billing.odoo.verified import Outcome, Writer, Written
from fusion_billing.store.circuit import Circuit
from fusion_billing.store.leases import Leases
from fusion_billing.store.line_items import StoredLine
from fusion_billing.store.lines import LineStore
from fusion_billing.store.ratings import lane as lane_of
from fusion_billing.webhooks.outbox import Tells

LEASE = timedelta(seconds=120)
CLOSED_AFTER_TIME_OUT = timedelta(seconds=120)
"""What Odoo gives a request at most (`limit_time_real`): so long it may go on with a call."""

_PAGE = 300
_LEAST_SECONDS = 5.0
_SECONDS_FOR_A_BATCH = 20.0
_MARGIN_SECONDS = 8.0
_UNKNOWN_IN_A_ROW = 3
_WAIT_FOR_SYNC = timedelta(minutes=3)
_TRIES_WHILE_INVOICED = 8

logger = Logger()


class OutOfTime(Exception):
    """The run's own time is over: what is due stays due."""


class LeaseLost(Exception):
    """The lane's lease ran out before it could be renewed: another run may have it by now."""


@dataclass(frozen=True)
class Tools:
    """What a run works with.

    `rerate` asks rating to look at a subscription again; `clock` tells the time, `pause` sleeps, `random`
    gives 0 to 1.
    """

    store: LineStore
    leases: Leases
    circuit: Circuit
    odoo: Odoo
    precision: Cached
    events: Tells
    rerate: Callable[[str], None]
    lanes: int
    mode: Mode
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    random: Callable[[], float]
    remaining: Callable[[], float]
    """Seconds left of the run."""
    strays: Strays | None = None


class Stop(Event):
    """Set when no lane shall begin another batch; counts the calls in a row whose outcome is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown = 0


@dataclass
class Lane:
    """One lane in one run."""

    tools: Tools
    lane: int
    tally: Tally
    stop: Stop
    writers: ThreadPoolExecutor
    leased_until: datetime | None = None
    closed_until: datetime | None = None
    writing: list[Future[None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The lease's name."""
        return f"LANE#{self.lane:02d}"

    def run(self) -> None:
        """Send what is due in the lane; the last of it is still being written down when this returns."""
        now = self.tools.clock()
        if self.stop.is_set() or not self.tools.leases.take(self.name, now, now + LEASE):
            return
        self.leased_until = now + LEASE
        try:
            self._batches()
        except OutOfTime:
            self.stop.set()
        except LeaseLost:
            logger.warning("the lease ran out", lane=self.name)

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
            self.tally.add("failed")

    def _batches(self) -> None:
        lines, after = self._page(None)  # here, since the writers still have the lane before to write down
        while not self.stop.is_set() and self.closed_until is None:
            # The next one arrives while this one is at Odoo.
            coming = self.writers.submit(self._page, after) if after is not None else None
            for batch in packed(self._candidates(lines)):
                if self.stop.is_set() or self.closed_until is not None:
                    return
                if self.tools.remaining() < _SECONDS_FOR_A_BATCH:
                    raise OutOfTime
                self._send(batch)
            if coming is None:
                return
            lines, after = coming.result()

    def _page(self, after: Any) -> tuple[list[StoredLine], Any]:
        return self.tools.store.due(self.lane, self.tools.clock(), _PAGE, after)

    def _candidates(self, lines: Sequence[StoredLine]) -> list[Candidate]:
        """Return the lines that need a call; park and settle those that don't."""
        if not lines:
            return []
        made: list[Candidate] = []
        with self._failures_of([]):
            precision = self.tools.precision.of(self.tools.odoo)
            for line in lines:
                try:
                    one = candidate(line, precision, self.tools.mode)
                except FusionError as error:
                    self._write(self._outcomes.parked, line, None, error.code, error.message)
                    continue
                if settled_without_a_call(one):
                    self._write(self._outcomes.unchanged, line, one.owed, one.digest)
                elif (right := lane_of(one.order, self.tools.lanes)) != self.lane:
                    # Written under another number of lanes: what else the order has is in the right one.
                    self._write(self._outcomes.to_lane, line, right)
                else:
                    made.append(one)
        return made

    def _send(self, batch: list[Candidate]) -> None:
        with self._failures_of(batch):
            known, faults = orders.look_at(self.tools.odoo, {one.order for one in batch}, self._seconds)
            going = []
            for one in batch:
                fault = faults.get(one.order) or one.fault(known.get(one.order))
                if fault is not None:
                    self._failed(one, fault)
                else:
                    going.append(one)
            spoken = self._languages(going, known)
            loader = Loader(self.tools.odoo, self._seconds, self.tools.pause)
            wanted = [one.wanted(spoken.get(known[one.order].partner or 0, "")) for one in going]
            outcomes = Writer(self.tools.odoo, loader).put(wanted)
            self.stop.unknown = 0
            for one, outcome in zip(going, outcomes, strict=True):
                self._settle(one, outcome)

    def _languages(self, going: list[Candidate], known: dict[int, orders.Order]) -> dict[int, str]:
        partners = {known[one.order].partner for one in going if one.owed.names}
        partners.discard(None)
        return orders.languages(self.tools.odoo, [one for one in partners if one], self._seconds)

    def _settle(self, one: Candidate, outcome: Outcome) -> None:
        if isinstance(outcome, Written):
            self._write(self._outcomes.sent, one.line, one.owed, outcome, one.digest)
        else:
            self._failed(one, outcome)

    def _failed(self, one: Candidate, error: OdooError) -> None:
        if isinstance(error, Invoiced) and one.line.tries < _TRIES_WHILE_INVOICED:
            # The next sync closes the period; rating then bills the difference as an adjustment.
            self.tally.invoiced.add(one.order)
            self._later(one, error, pause=_WAIT_FOR_SYNC)
        elif isinstance(error, Park):
            self._write(self._outcomes.parked, one.line, one.owed, error.code, error.message)
        else:
            self._later(one, error)

    def _later(self, one: Candidate, error: OdooError, pause: timedelta | None = None) -> None:
        def put_off(line: StoredLine, now: datetime) -> None:
            self._outcomes.later(
                line,
                one.owed,
                error.code,
                error.message,
                now,
                jitter=self.tools.random(),
                unknown=error.unknown,
                pause=pause,
            )

        self._write(put_off, one.line)

    @contextmanager
    def _failures_of(self, batch: list[Candidate]) -> Iterator[None]:
        """Decide what a failure of a whole batch means for it, for the lane and for the run."""
        try:
            yield
        except Wait as error:
            self._open_the_circuit(error)
        except TooManyRequests as error:
            self.stop.set()
            pause = timedelta(seconds=min(max(error.after or 60, 1), 3600))
            for one in batch:
                self._later(one, error, pause=pause)
        except Retry as error:
            if isinstance(error, TimedOut):
                self.closed_until = self.tools.clock() + CLOSED_AFTER_TIME_OUT
            for one in batch:
                self._later(one, error)
            self.stop.unknown += error.unknown
            if self.stop.unknown >= _UNKNOWN_IN_A_ROW:
                self._open_the_circuit(error)
        except (Alarm, Park) as error:
            # Not about a line: nothing can be sent until somebody has come, and all of it stays due.
            self.stop.set()
            self.tally.alarm = as_alarm(error).code
            logger.error(  # noqa: TRY400  a trace would say nothing more
                "Odoo needs somebody", code=self.tally.alarm, error=error.name, said=error.message
            )

    def _open_the_circuit(self, error: OdooError) -> None:
        self.stop.set()
        self.tally.waiting = True
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
        return Outcomes(self.tools.store, self.tools.events, self.tally, self.tools.rerate)

    def _write(self, outcome: Callable[..., None], *about: object) -> None:
        self.writing.append(self.writers.submit(outcome, *about, self.tools.clock()))
