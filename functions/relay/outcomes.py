"""What became of a line, written down: sent, parked or put off, with the event that tells of it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from fusion_billing.currencies import with_digits
from fusion_billing.decimals import plain
from fusion_billing.errors import Conflict
from fusion_billing.instants import rfc3339
from fusion_billing.lines.owed import Owed
from fusion_billing.odoo.verified import Written
from fusion_billing.store.line_items import Put, Standing, StoredLine
from fusion_billing.store.lines import LineStore
from fusion_billing.webhooks.outbox import NOTHING, Tells

logger = Logger()

MOST_TRIES = 15
"""Times a line is put off (about ten hours of them) before it is parked."""

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)


class Tally:
    """What a run did, counted by several threads; `invoiced` are orders with a line that is invoiced.

    `final_invoices` are ended subscriptions and the starts of periods whose final invoice holds such a line.
    `invoices_unreadable` says that the key's user may not read invoices: order lines told what is billed.
    """

    NAMES = (
        "sent",
        "unchanged",
        "parked",
        "put_off",
        "overtaken",
        "moved",
        "retired",
        "failed",
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
        """Count one more."""
        with self._lock:
            self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a log has them."""
        return {
            **self._counts,
            "alarm": self.alarm,
            "waiting": self.waiting,
            "invoices_unreadable": self.invoices_unreadable,
            "invoiced": sorted(self.invoiced),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a line is not there, and what was seen to stand in its place (None: nobody looked)."""

    code: str
    message: str
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a line waits: `pause`, or longer with each attempt; never less than `until`.

    `jitter` (0 to 1) stretches it by up to a quarter.
    """

    jitter: float
    pause: timedelta | None = None
    until: datetime | None = None

    def end(self, attempts: int, now: datetime) -> datetime:
        """Return when a line that was put off `attempts` times before is due again."""
        doubled: timedelta = _FIRST_PAUSE * 2 ** min(attempts, 10)
        wait = self.pause or min(doubled, _LONGEST_PAUSE)
        at = now + wait * (1 + self.jitter / 4)
        return at if self.until is None else max(at, self.until)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Writes outcomes, and counts them; `rerate` asks rating to look at a subscription again.

    Its methods may run in several threads.
    """

    store: LineStore
    events: Tells
    tally: Tally
    rerate: Callable[[str], None]

    def sent(self, line: StoredLine, owed: Owed, written: Written, digest: str, now: datetime) -> None:
        """Write that Odoo holds the line."""
        base = written.invoiced if written.line.rolling else None
        put = Put(
            written.id,
            owed.order,
            with_digits(owed.amount, owed.currency),
            digest,
            base,
            suffix=line.suffix,
            is_plain=written.is_plain,
            form=(written.quantity, written.price, written.discount),
        )
        data = {
            **_about(line, owed),
            "odoo_line_id": written.id,
            "quantity": plain(written.quantity),
            "unit_price": plain(written.price),
        }
        prepared = self._event("line.upserted", owed, data, now)
        fate = self.store.sent(
            line, put, now, prepared.writes, awaits_invoice=owed.final_invoice and not owed.amount.is_zero()
        )
        if fate == "sent":
            self.tally.add("sent")
            self.events.nudge(prepared)
            return
        self.tally.add("overtaken")
        if fate == "frozen":
            # Rating may have billed this amount elsewhere, not knowing that Odoo has it: have it look again.
            self.rerate(owed.subscription)

    def unchanged(self, line: StoredLine, owed: Owed, digest: str, now: datetime) -> None:
        """Write that Odoo needs no call: it holds just this, or has nothing to hold."""
        order = None if line.odoo_id is None else owed.order
        put = Put(line.odoo_id, order, with_digits(owed.amount, owed.currency), digest, suffix=line.suffix)
        waits = owed.final_invoice and not owed.amount.is_zero()
        if self.store.sent(line, put, now, awaits_invoice=waits) == "sent":
            self.tally.add("unchanged")
        else:
            self.tally.add("overtaken")

    def to_lane(self, line: StoredLine, lane: int, now: datetime) -> None:
        """Have the line wait in the lane that is its order's now."""
        try:
            self.store.make_due(line, lane, now)
        except Conflict:
            self.tally.add("overtaken")
        else:
            self.tally.add("moved")

    def retired(self, line: StoredLine, suffix: str, lane: int, now: datetime) -> None:
        """Write that nothing is left of the line where it stood, and have its successor wait in `lane`."""
        if self.store.retired(line, suffix, lane, now):
            self.tally.add("retired")
        else:
            self.tally.add("overtaken")

    def parked(self, line: StoredLine, owed: Owed | None, failure: Failure, now: datetime) -> None:
        """Write that the line can't succeed as things are, and what stands of it where that is known."""
        code, message = failure.code, failure.message
        if owed is None:  # the document can't be read, so there is nothing to tell an endpoint
            done = self.store.park(line, code, message, now)
        else:
            data = {**_about(line, owed), "reason": code, "message": message}
            prepared = self._event("line.parked", owed, data, now)
            done = self.store.park(line, code, message, now, prepared.writes, standing=failure.standing)
            if done:
                self.events.nudge(prepared)
        self.tally.add("parked" if done else "overtaken")

    def later(self, line: StoredLine, owed: Owed, failure: Failure, delay: Delay, now: datetime) -> None:
        """Put the line off, for longer each time; park it when that has gone on for too long."""
        if line.tries + 1 >= MOST_TRIES:
            message = f"{failure.message} (tried {line.tries + 1} times)"
            self.parked(line, owed, replace(failure, message=message), now)
            return
        at = delay.end(line.tries, now)
        done = self.store.later(line, failure.code, failure.message, at, standing=failure.standing)
        self.tally.add("put_off" if done else "overtaken")

    def _event(self, type_: str, owed: Owed, data: Mapping[str, Any], now: datetime) -> Any:
        try:
            return self.events.prepare(
                type_,
                subscription=owed.subscription,
                plan=owed.plan,
                metric=owed.metric,
                data=data,
                now=now,
            )
        except ValueError:
            # The line counts for more than its event: a document odd enough to make none must not block it.
            logger.exception("no event could be made", type=type_, line=data["line"])
            return NOTHING


def _about(line: StoredLine, owed: Owed) -> dict[str, Any]:
    about = {
        "charge": owed.charge,
        "period_start": rfc3339(owed.period_start),
        "period_end": rfc3339(owed.period_end),
        "line": line.key.line,
        "odoo_order_id": owed.order,
        "version": line.version,
        "amount": with_digits(owed.amount, owed.currency),
        "currency": owed.currency,
    }
    if owed.metric is not None:
        about["metric"] = owed.metric
    if owed.corrects is not None:
        about["corrects"] = rfc3339(owed.corrects.start)
    return about
