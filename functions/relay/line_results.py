"""Write the results of order lines - sent, failed or postponed - with the event that reports each."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from functions.relay.ports import DueLines
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import plain
from fusion_billing.dynamodb.ratings.order_line_items import Put, Standing, StoredLine
from fusion_billing.dynamodb.ratings.order_lines import Fate
from fusion_billing.errors import Conflict
from fusion_billing.instants import rfc3339
from fusion_billing.odoo.line_events import prepare_line_event
from fusion_billing.odoo.write_and_verify import WrittenLine
from fusion_billing.odoo_lines.line_item import LineItem
from fusion_billing.webhooks.publishing import EventPublisher, Prepared

MAX_ATTEMPTS = 15
"""Attempts after which a line fails: about ten hours of retries."""

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)


class RunStatistics:
    """The counts of a run, added to by several threads.

    Attributes:
        alarm: The code of the error that needs an operator, empty if there was none.
        waiting: Whether the circuit is open because Odoo is unavailable.
        invoices_unreadable: The API key's user may not read invoices, so amounts come from order lines.
        invoiced: Orders with a line that Odoo has invoiced already.
        final_invoices: Ended subscriptions, and starts of their periods, whose final invoice holds such a line.
    """

    NAMES = (
        "sent",
        "unchanged",
        "failed",
        "postponed",
        "overtaken",
        "moved",
        "retired",
        "not_written",
        "invoices_read",
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(self.NAMES, 0)
        self.alarm = ""
        self.waiting = False
        self.invoices_unreadable = False
        self.invoiced: set[int] = set()
        self.final_invoices: set[tuple[str, datetime]] = set()

    def add(self, name: str, count: int = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def as_dict(self) -> Mapping[str, object]:
        """Return the statistics as they are logged."""
        return {
            **self._counts,
            "alarm": self.alarm,
            "waiting": self.waiting,
            "invoices_unreadable": self.invoices_unreadable,
            "invoiced": sorted(self.invoiced),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a line failed, and what Odoo has in its place (None if that was not read)."""

    code: str
    message: str
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a postponed line waits: `pause`, or longer with each attempt, and at least until `until`.

    `jitter` (0 to 1) adds up to a quarter.
    """

    jitter: float
    pause: timedelta | None = None
    until: datetime | None = None

    def end(self, attempts: int, now: datetime) -> datetime:
        """Return when a line that was postponed `attempts` times before is due again."""
        doubled: timedelta = _FIRST_PAUSE * 2 ** min(attempts, 10)
        wait = self.pause or min(doubled, _LONGEST_PAUSE)
        at = now + wait * (1 + self.jitter / 4)
        return at if self.until is None else max(at, self.until)


@dataclass(frozen=True, slots=True)
class SentLine:
    """A line that Odoo has, as it was written. `digest` is that of the row sent."""

    line: StoredLine
    line_item: LineItem
    written: WrittenLine
    digest: str

    @property
    def awaits_invoice(self) -> bool:
        """Return whether an operator has to invoice it."""
        return self.line_item.final_invoice and not self.line_item.amount.is_zero()

    @property
    def put(self) -> Put:
        """Return what Odoo has."""
        return Put(
            self.written.id,
            self.line_item.order,
            with_digits(self.line_item.amount, self.line_item.currency),
            self.digest,
            suffix=self.line.suffix,
            is_plain=self.written.uses_fallback,
            form=(self.written.quantity, self.written.price, self.written.discount),
        )


@dataclass(frozen=True, slots=True)
class LineResults:
    """Writes results and counts them. Its methods may run in several threads.

    Args:
        rerate: Requests that a subscription is rated again.
    """

    store: DueLines
    events: EventPublisher
    statistics: RunStatistics
    rerate: Callable[[str], None]

    def sent(self, sent: Sequence[SentLine], now: datetime) -> None:
        """Write that Odoo has lines of one period."""
        if len(sent) == 1 and sent[0].awaits_invoice:
            self._sent_alone(sent[0], now)
            return
        prepared = [self._prepared(each, now) for each in sent]
        results = [(each.line, each.put, event.writes) for each, event in zip(sent, prepared, strict=True)]
        for each, event, result in zip(sent, prepared, self.store.sent_together(results, now), strict=True):
            self._count(each, event, result)

    def _sent_alone(self, sent: SentLine, now: datetime) -> None:
        event = self._prepared(sent, now)
        self._count(sent, event, self.store.sent(sent.line, sent.put, now, event.writes, awaits_invoice=True))

    def _prepared(self, sent: SentLine, now: datetime) -> Prepared:
        written = sent.written
        data = {
            **_about(sent.line, sent.line_item),
            "odoo_line_id": written.id,
            "quantity": plain(written.quantity),
            "unit_price": plain(written.price),
        }
        return prepare_line_event(self.events, "line.upserted", (sent.line, sent.line_item), data, now)

    def _count(self, sent: SentLine, event: Prepared, result: Fate) -> None:
        if result == "sent":
            self.statistics.add("sent")
            self.events.wake_up(event)
            return
        self.statistics.add("overtaken")
        if result == "frozen":
            # Rating may have billed this amount elsewhere, not knowing that Odoo has it: rate again.
            self.rerate(sent.line_item.subscription)

    def unchanged(self, line: StoredLine, line_item: LineItem, digest: str, now: datetime) -> None:
        """Write that the line needs no call: Odoo has exactly this line, or needs none."""
        order = None if line.odoo_id is None else line_item.order
        put = Put(line.odoo_id, order, with_digits(line_item.amount, line_item.currency), digest, suffix=line.suffix)
        waits = line_item.final_invoice and not line_item.amount.is_zero()
        if self.store.sent(line, put, now, awaits_invoice=waits) == "sent":
            self.statistics.add("unchanged")
        else:
            self.statistics.add("overtaken")

    def to_partition(self, line: StoredLine, line_partition: int, now: datetime) -> None:
        """Move the line to the partition of its order."""
        try:
            self.store.make_due(line, line_partition, now)
        except Conflict:
            self.statistics.add("overtaken")
        else:
            self.statistics.add("moved")

    def retired(self, line: StoredLine, suffix: str, line_partition: int, now: datetime) -> None:
        """Write that the former line is empty, and make the line that follows it due in `line_partition`."""
        if self.store.retired(line, suffix, line_partition, now):
            self.statistics.add("retired")
        else:
            self.statistics.add("overtaken")

    def failed(self, line: StoredLine, line_item: LineItem | None, failure: Failure, now: datetime) -> None:
        """Write that the line failed, and what Odoo has of it if that is known."""
        code, message = failure.code, failure.message
        if line_item is None:  # the rating document can't be read, so no event can be made
            done = self.store.fail(line, code, message, now)
        else:
            data = {**_about(line, line_item), "reason": code, "message": message}
            prepared = prepare_line_event(self.events, "line.failed", (line, line_item), data, now)
            done = self.store.fail(line, code, message, now, prepared.writes, standing=failure.standing)
            if done:
                self.events.wake_up(prepared)
        self.statistics.add("failed" if done else "overtaken")

    def postponed(self, line: StoredLine, line_item: LineItem, failure: Failure, delay: Delay, now: datetime) -> None:
        """Postpone the line, for longer each time; fail it after the last attempt."""
        if line.attempt_count + 1 >= MAX_ATTEMPTS:
            message = f"{failure.message} (failed after {line.attempt_count + 1} attempts)"
            self.failed(line, line_item, replace(failure, message=message), now)
            return
        at = delay.end(line.attempt_count, now)
        done = self.store.postpone(line, failure.code, failure.message, at, standing=failure.standing)
        self.statistics.add("postponed" if done else "overtaken")


def _about(line: StoredLine, line_item: LineItem) -> dict[str, Any]:
    return {
        "charge": line_item.charge,
        "period_start": rfc3339(line_item.period_start),
        "line": line.key.line,
        "odoo_order_id": line_item.order,
        "amount": with_digits(line_item.amount, line_item.currency),
        "currency": line_item.currency,
    }
