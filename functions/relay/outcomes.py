"""What became of a line, written down: sent, parked or put off, with the event that tells of it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from fusion_billing.currencies import with_digits
from fusion_billing.decimals import plain
from fusion_billing.errors import Conflict
from fusion_billing.instants import rfc3339
from fusion_billing.lines.owed import Owed
from fusion_billing.odoo.verified import Written
from fusion_billing.store.line_items import Put, StoredLine
from fusion_billing.store.lines import LineStore
from fusion_billing.webhooks.outbox import NOTHING, Tells

logger = Logger()

MOST_TRIES = 15
"""Times a line is put off (about ten hours of them) before it is parked."""

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)


class Tally:
    """What a run did, counted by several threads; `invoiced` are orders with a line that is invoiced."""

    NAMES = ("sent", "unchanged", "parked", "put_off", "overtaken", "moved", "failed")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(self.NAMES, 0)
        self.alarm = ""
        self.waiting = False
        self.invoiced: set[int] = set()

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
            "invoiced": sorted(self.invoiced),
        }


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
        put = Put(written.id, owed.order, with_digits(owed.amount, owed.currency), digest, base)
        data = {
            **_about(line, owed),
            "odoo_line_id": written.id,
            "quantity": plain(written.quantity),
            "unit_price": plain(written.price),
        }
        prepared = self._event("line.upserted", owed, data, now)
        fate = self.store.sent(line, put, now, prepared.writes)
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
        put = Put(line.odoo_id, order, with_digits(owed.amount, owed.currency), digest)
        if self.store.sent(line, put, now) == "sent":
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

    def parked(self, line: StoredLine, owed: Owed | None, code: str, message: str, now: datetime) -> None:
        """Write that the line can't succeed as things are."""
        if owed is None:  # the document can't be read, so there is nothing to tell an endpoint
            done = self.store.park(line, code, message, now)
        else:
            data = {**_about(line, owed), "reason": code, "message": message}
            prepared = self._event("line.parked", owed, data, now)
            done = self.store.park(line, code, message, now, prepared.writes)
            if done:
                self.events.nudge(prepared)
        if done:
            self.tally.add("parked")
        else:
            self.tally.add("overtaken")

    def later(
        self,
        line: StoredLine,
        owed: Owed,
        code: str,
        message: str,
        now: datetime,
        *,
        jitter: float,
        unknown: bool = False,
        pause: timedelta | None = None,
    ) -> None:
        """Put the line off, for longer each time; park it when that has gone on for too long."""
        if line.tries + 1 >= MOST_TRIES:
            self.parked(line, owed, code, f"{message} (tried {line.tries + 1} times)", now)
            return
        doubled: timedelta = _FIRST_PAUSE * 2 ** min(line.tries, 10)
        wait = pause or min(doubled, _LONGEST_PAUSE)
        at = now + wait * (1 + jitter / 4)
        if self.store.later(line, code, message, at, perhaps_on=owed.order if unknown else None):
            self.tally.add("put_off")
        else:
            self.tally.add("overtaken")

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
