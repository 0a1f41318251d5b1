"""Compare order lines with what was rated: those of named subscriptions, of periods that end, or all.

Lines that are sent and not invoiced belong to the open periods of subscriptions. So they are found by the list of
subscriptions, shard by shard, without an index or a scan. Each run sends the message for the next one, so that two
never run at once and Odoo gets one call at a time.

`messaging.relay_messages.GuardJob` says what a run compares, and where it continues.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from aws_lambda_powertools import Logger

from functions.relay.ports import Circuit, ListedSubscriptions
from fusion_billing.billing_periods.schedule import local_midnight
from fusion_billing.billing_periods.subscription_states import ENDED
from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.catalog.stored_subscription import Listed
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.messaging.relay_messages import GuardJob
from fusion_billing.odoo.copy_guarding import CopyGuarding
from fusion_billing.odoo.error_classification import as_configuration_error
from fusion_billing.odoo.errors import ConfigurationError, OdooError, OdooUnavailable
from fusion_billing.odoo.line_guarding import Comparison, LineGuarding, is_guarded
from fusion_billing.odoo.order_line_reading import LINES_A_CALL
from fusion_billing.odoo_lines.line_cadence import CLOSING

_PAGE = 100
_READERS = 8
_SECONDS_FOR_A_PAGE = 90.0
"""The longest that two calls to Odoo and the writes of their findings take."""

_LEAST_SECONDS = 5.0

logger = Logger()


@dataclass
class Run:
    """The result of a run: `rest` is the message to continue with, `failed` the code of the error that ended it."""

    result: Comparison = field(default_factory=Comparison)
    rest: GuardJob | None = None
    failed: str = ""
    is_alarm: bool = False


@dataclass
class _Lines:
    """Lines gathered for one call, and the orders they are on."""

    lines: list[StoredLine] = field(default_factory=list)
    orders: set[int] = field(default_factory=set)
    known: set[int] = field(default_factory=set)

    def clear(self) -> None:
        self.lines.clear()
        self.orders.clear()
        self.known.clear()


@dataclass(frozen=True)
class GuardRun:
    """Compares lines. `products` returns the products of all charges, `remaining` the seconds left."""

    lines: LineGuarding
    copies: CopyGuarding
    subscriptions: ListedSubscriptions
    circuit: Circuit
    products: Callable[[], frozenset[int]]
    clock: Callable[[], datetime]
    random: Callable[[], float]
    remaining: Callable[[], float]

    def run(self, job: GuardJob) -> Run:
        """Compare the lines of a job until time runs out. An error of Odoo ends the run and is in its result."""
        run = Run()
        if self.remaining() < _LEAST_SECONDS:
            run.rest = job
            return run
        if self.circuit.failures():
            run.failed = "odoo_unavailable"
            return run
        try:
            run.rest = self._compared(job, run.result)
        except OdooUnavailable as error:
            self.circuit.failed(self.clock(), jitter=self.random())
            run.failed = error.code
        except OdooError as error:
            failure = as_configuration_error(error)
            run.failed, run.is_alarm = failure.code, isinstance(failure, ConfigurationError)
            logger.error("lines could not be compared", code=failure.code, error=failure.name, said=failure.message)  # noqa: TRY400
        return run

    def _compared(self, job: GuardJob, result: Comparison) -> GuardJob | None:
        """Compare the lines of a job; return the job to continue with if time ran out."""
        if job.subscriptions is not None:
            return self._named(job.subscriptions, result)
        if job.copies_after is None:
            remaining = self._walk(job, result)
            if remaining is not None or job.closing:
                return remaining
        copies_after = job.copies_after or 0
        after = self.copies.compare(self.products(), result, after=copies_after, may_go_on=self._has_time)
        return None if after is None else GuardJob(copies_after=after)

    def _named(self, ids: Sequence[str], result: Comparison) -> GuardJob | None:
        for first in range(0, len(ids), _PAGE):
            if first and not self._has_time():
                return GuardJob(subscriptions=tuple(ids[first:]))
            gathered = _Lines()
            self._gather(ids[first : first + _PAGE], gathered)
            self._compare(gathered, result, for_copies=True)
        return None

    def _walk(self, job: GuardJob, result: Comparison) -> GuardJob | None:
        """Compare the lines of all subscriptions from a place in their list on; return where to go on."""
        gathered = _Lines()
        for position, ids in self._listed(job):
            self._gather(ids, gathered)
            if len(gathered.lines) >= LINES_A_CALL or not self._has_time():
                self._compare(gathered, result, for_copies=job.closing)
                gathered.clear()
            if not self._has_time():
                return position
        self._compare(gathered, result, for_copies=job.closing)
        return None

    def _listed(self, job: GuardJob) -> Iterator[tuple[GuardJob | None, list[str]]]:
        """Yield pages of subscription IDs, each with the message that goes on after it."""
        shard, after = job.shard, job.after
        while shard < LIST_SHARDS:
            page, after = self.subscriptions.listing(shard, after, _PAGE)
            if after is None:
                shard += 1
            ids = [listed.subscription.id for listed in page if not job.closing or self._ends_soon(listed)]
            position = None if shard == LIST_SHARDS else GuardJob(closing=job.closing, shard=shard, after=after)
            yield position, ids

    def _ends_soon(self, listed: Listed) -> bool:
        """Tell whether a subscription's open period ends soon; one that ended is not invoiced yet."""
        subscription = listed.subscription
        if subscription.state in ENDED:
            return False
        ends_at = local_midnight(subscription.next_invoice_date, subscription.timezone)
        return ends_at <= self.clock() + CLOSING

    def _gather(self, ids: Sequence[str], gathered: _Lines) -> None:
        with ThreadPoolExecutor(_READERS) as readers:
            for orders, lines in readers.map(self._read, ids):
                gathered.orders |= orders
                gathered.known |= {line.odoo_id for line in lines if line.odoo_id is not None}
                gathered.lines += [line for line in lines if is_guarded(line, self.clock())]

    def _read(self, subscription: str) -> tuple[set[int], list[StoredLine]]:
        """Return a subscription's orders, and the lines of its open period."""
        stored = self.subscriptions.get(subscription)
        if stored is None:
            return set(), []
        start = stored.calendar.open.start
        lines = self.lines.store.in_period(stored.id, start, consistent=False)
        return {order.odoo_order_id for order in stored.chain}, lines

    def _compare(self, gathered: _Lines, result: Comparison, *, for_copies: bool) -> None:
        if gathered.lines:
            self.lines.compare(gathered.lines, lambda line: is_guarded(line, self.clock()), result)
        if for_copies and gathered.orders:
            self.copies.compare(self.products(), result, orders=gathered.orders, known=gathered.known)

    def _has_time(self) -> bool:
        return self.remaining() > _SECONDS_FOR_A_PAGE
