"""Subscriptions come from Odoo: what changed since the last run, or all of them, deletions included.

One order never becomes two subscriptions: one that the API has defined under an id of its own stays the
API's, and is left alone here; one that it has defined under the order's id is the one that is read, and
follows Odoo. What can't be read is reported by name, and the rest is read.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from fusion_billing.definitions.subscription import Subscription
from fusion_billing.definitions.validation import parse
from fusion_billing.errors import Refused, Unavailable
from fusion_billing.instants import rfc3339
from fusion_billing.odoo.classification import as_alarm
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import Alarm, NoRights, NoSubscriptions, OdooError, Park
from fusion_billing.odoo.subscriptions import Reader, ReadSubscription, key_days_left
from fusion_billing.store.subscription_writer import SubscriptionWriter
from fusion_billing.store.subscriptions import LIST_SHARDS, OrderTaken, SubscriptionStore
from fusion_billing.store.sync import SyncState

OVERLAP = timedelta(minutes=15)
"""A change is dated by the start of its transaction, and by Odoo's clock: so far may it show up late."""

_SECONDS_FOR_A_PAGE = 12.0
_WRITERS = 8
_PAGE = 200
_STOPPED = ("5_renewed", "6_churn")
_MOST_GONE = 10
_LARGEST_SHARE_GONE = 0.2

logger = Logger()


@dataclass
class Report:
    """What a run did. `after` is the order it stopped at for want of time, None where it read all.

    `skipped` are those that can't be read (or stored), `kept` are the API's own, `passed` are
    quotations and the like that were never subscriptions here.
    """

    full: bool = False
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    passed: int = 0
    closed: int = 0
    gone: list[str] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    alarm: str = ""
    failed: str = ""
    after: int | None = None
    key_days_left: float | None = None

    def rest(self, began: datetime) -> dict[str, Any]:
        """Return what to ask for to go on: without a watermark, an incremental run is a full one."""
        return {"full": self.full, "after": self.after, "began": rfc3339(began)}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as an answer and a log have it."""
        told = {**self.__dict__, "complete": self.after is None and not self.failed and not self.alarm}
        days = told.pop("key_days_left")
        return {**told, "odoo_key_days_left": None if days is None else int(days)}


@dataclass(frozen=True)
class SubscriptionSync:
    """What a run works with; `remaining` are the seconds left of it."""

    odoo: Odoo
    store: SubscriptionStore
    writer: SubscriptionWriter
    state: SyncState
    clock: Callable[[], datetime]
    remaining: Callable[[], float]

    def run(self, *, full: bool = False, after: int | None = None, began: datetime | None = None) -> Report:
        """Read what changed, or all; `after` and `began` go on with a run that was short of time."""
        began = began or self.clock()
        read_up_to = self.state.since()
        since = None if full else read_up_to
        whole = full or since is None
        report = Report(full=whole)
        domain = [] if since is None else [["write_date", ">=", _written(since - OVERLAP)]]
        with _Attempt(report, never_read=read_up_to is None):
            self._pages(Reader(self.odoo), domain, report, after or 0)
            if report.after is None and whole:
                self._find_gone(Reader(self.odoo), report)
            report.key_days_left = key_days_left(self.odoo, self.clock())
        if report.after is None and not report.failed and not report.alarm:
            self.state.done(began, {**report.as_dict(), "at": rfc3339(self.clock())})
        return report

    def orders(self, ids: Sequence[int]) -> Report:
        """Read just these orders."""
        report = Report()
        with _Attempt(report):
            self._pages(Reader(self.odoo), [["id", "in", list(ids)]], report, 0)
        return report

    def _pages(self, reader: Reader, domain: list[Any], report: Report, after: int) -> None:
        with ThreadPoolExecutor(_WRITERS) as writers:
            for page in reader.pages(domain, after=after, size=_PAGE):
                report.read += len(page)
                for one, (outcome, about) in zip(page, writers.map(self._one, page), strict=True):
                    _count(report, one, outcome, about)
                if self.remaining() < _SECONDS_FOR_A_PAGE:
                    report.after = page[-1].order
                    return
        if not report.read and not domain and not after and not reader.sees_any_order():
            raise NoRights("the key's user sees no sales order at all", name="empty")

    def _one(self, read: ReadSubscription) -> tuple[str, Any]:
        """Save one; return the name of what it counts as, and what there is to tell of it."""
        stored = self.store.get(str(read.order))
        if stored is None and self.store.of_order(read.order) is not None:
            return "kept", None
        if stored is not None and stored.subscription.odoo_order_id != read.order:
            return "skipped", ["its id is another order's subscription"]
        by_api = stored is not None and stored.origin == "api"
        quietly = "kept" if by_api else "passed"
        wanted, reasons = _parsed(read)
        if wanted is None:
            is_missed = not by_api and (stored is not None or read.running)
            return ("skipped", reasons) if is_missed else (quietly, None)
        if not read.running and wanted.state not in _STOPPED and (stored is None or by_api):
            return quietly, None
        return self._save(wanted)

    def _save(self, wanted: Subscription) -> tuple[str, Any]:
        try:
            saved = self.writer.save(wanted, origin="odoo", now=self.clock())
        except OrderTaken:
            return "kept", None
        except Unavailable as error:
            return "failed", error.code
        return saved.outcome, len(saved.closed)

    def _find_gone(self, reader: Reader, report: Report) -> None:
        """Let those go that Odoo no longer has: they are rated up to now, and no further."""
        missing: list[Subscription] = []
        checked = 0
        for shard in range(LIST_SHARDS):
            after: str | None = None
            while True:
                page, after = self.store.listing(shard, after, _PAGE)
                running = {
                    one.subscription.odoo_order_id: one.subscription
                    for one in page
                    if one.origin == "odoo" and one.subscription.state not in _STOPPED
                }
                checked += len(running)
                there = reader.there(running) if running else set()
                missing += [one for order, one in running.items() if order not in there]
                if after is None:
                    break
        if len(missing) > max(_MOST_GONE, checked * _LARGEST_SHARE_GONE):
            raise NoRights(
                f"{len(missing)} of {checked} subscriptions are no longer to be seen: that is rights, more "
                "likely than deletions",
                name="gone",
            )
        for one in missing:
            self.writer.save(one.model_copy(update={"state": "6_churn"}), origin="odoo", now=self.clock())
            report.gone.append(one.name)


def _parsed(read: ReadSubscription) -> tuple[Subscription | None, list[str]]:
    try:
        return parse(Subscription, read.document, id=str(read.order)), []
    except Refused as refused:
        return None, [f"{fault.field}: {fault.message}" for fault in refused.faults]


class _Attempt:
    """Notes in the report what Odoo ran into."""

    def __init__(self, report: Report, *, never_read: bool = False) -> None:
        self._report = report
        self._never_read = never_read

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, OdooError):
            return False
        told = as_alarm(error)
        if isinstance(told, NoSubscriptions) and self._never_read:
            # An Odoo without subscriptions was never to be read: they are put in by the API.
            self._report.failed = told.code
            logger.info("there are no subscriptions to read", code=told.code, said=told.message)
            return True
        if isinstance(told, Alarm | Park):
            self._report.alarm = told.code
        else:
            self._report.failed = told.code
        logger.error("subscriptions could not be read", code=told.code, error=told.name, said=told.message)
        return True


def _count(report: Report, one: ReadSubscription, outcome: str, about: Any) -> None:
    if outcome == "skipped":
        report.skipped.append({"odoo_order_id": one.order, "name": one.name, "reasons": about})
        logger.warning("a subscription can't be read", order=one.order, name_=one.name, reasons=about)
    elif outcome == "failed":
        report.failed = about
    else:
        setattr(report, outcome, getattr(report, outcome) + 1)
        report.closed += about or 0


def _written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S")
