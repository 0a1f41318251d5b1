"""Lines compared with Odoo: what was changed, deleted, moved or duplicated there by hand.

What differs in the open period is mended by sending the line again; a duplicate is set to a quantity of zero
(a line of a confirmed order can't be removed). What is invoiced is reported and left alone: the customer has
the invoice, and a correction of it is an accountant's decision.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fusion_billing.decimals import ZERO
from fusion_billing.errors import Conflict, Fault, FusionError, NotFound, Refused
from fusion_billing.instants import rfc3339
from fusion_billing.lines.line import Line, Mode, line_of
from fusion_billing.lines.owed import Owed, read
from fusion_billing.lines.shape import Precision
from fusion_billing.odoo import precision as precisions
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.orders import many2one
from fusion_billing.odoo.standing import decimal, to_bill
from fusion_billing.store.leases import Leases
from fusion_billing.store.line_items import StoredLine
from fusion_billing.store.lines import LineStore
from fusion_billing.store.ratings import lane
from fusion_billing.store.subscriptions import LIST_SHARDS, StoredSubscription, SubscriptionStore

_FIELDS = (
    "order_id",
    "product_id",
    "product_uom_qty",
    "price_unit",
    "price_subtotal",
    "qty_invoiced",
    "name",
    "state",
)
_CURSOR = re.compile(r"(\d{1,2}):(.*)", re.ASCII)
_LEASE = timedelta(seconds=60)
_BATCH = 100
_SECONDS_FOR_ONE = 6.0


@dataclass
class Report:
    """What was compared and found; `cursor` is where to go on, None where all was compared."""

    compared: int = 0
    agreeing: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    cursor: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {**self.__dict__, "complete": self.cursor is None}


@dataclass(frozen=True)
class Reconciler:
    """What a comparison works with; `remaining` are the seconds left of the request."""

    lines: LineStore
    subscriptions: SubscriptionStore
    leases: Leases
    odoo: Odoo
    lanes: int
    mode: Mode
    clock: Callable[[], datetime]
    remaining: Callable[[], float]

    def run(
        self, *, subscription: str | None, period_start: datetime | None, mend: bool, cursor: str | None
    ) -> Report:
        """Compare one subscription, or all from `cursor` on; raises `NotFound`, and any `OdooError`."""
        report = Report()
        precision = precisions.read(self.odoo)
        if subscription is not None:
            stored = self.subscriptions.find(subscription)
            if stored is None:
                raise NotFound(f"there is no subscription {subscription}")
            self._subscription(stored, period_start, precision, report, mend=mend)
            return report
        for position, identity in self._all(cursor):
            if self.remaining() < _SECONDS_FOR_ONE:
                report.cursor = position
                break
            stored = self.subscriptions.get(identity)
            if stored is not None:
                self._subscription(stored, period_start, precision, report, mend=mend)
        return report

    def _all(self, cursor: str | None) -> Iterator[tuple[str, str]]:
        """Yield each subscription's id, and the cursor that begins with it."""
        first, after = _position(cursor)
        for shard in range(first, LIST_SHARDS):
            while True:
                page, following = self.subscriptions.listing(shard, after, _BATCH)
                for one in page:
                    yield f"{shard}:{after or ''}", one.subscription.id
                    after = one.subscription.id
                if following is None:
                    break
                after = following
            after = None

    def _subscription(
        self,
        stored: StoredSubscription,
        period_start: datetime | None,
        precision: Precision,
        report: Report,
        *,
        mend: bool,
    ) -> None:
        starts = [one.start for one in stored.calendar.known] if period_start is None else [period_start]
        lines = [line for start in starts for line in self.lines.in_period(stored.id, start)]
        sent = [_Sent.of(line, precision, self.mode) for line in lines if line.odoo_id is not None]
        held = self._read([one.line.odoo_id for one in sent if one.line.odoo_id is not None])
        for one in sent:
            report.compared += 1
            row = held.get(one.line.odoo_id or 0)
            differences = one.differences(row)
            if differences:
                found = one.finding(differences)
                if mend:
                    found |= self._mend(one, row)
                report.findings.append(found)
            else:
                report.agreeing += 1
        for one, twin in self._duplicates([one for one in sent if one.line.odoo_id in held], held):
            found = {**one.finding(["duplicated"]), "odoo_line_id": twin["id"]}
            if mend:
                found |= self._empty(one, twin)
            report.findings.append(found)

    def _read(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for first in range(0, len(ids), _BATCH):
            rows = self.odoo.read("sale.order.line", ids[first : first + _BATCH], _FIELDS)
            found |= {row["id"]: row for row in rows}
        return found

    def _duplicates(
        self, sent: Sequence["_Sent"], held: Mapping[int, dict[str, Any]]
    ) -> Iterable[tuple["_Sent", dict[str, Any]]]:
        """Yield the lines of the same order that say the same and are not ours."""
        if not sent:
            return
        named = {(one.owed.order, held[one.line.odoo_id or 0]["name"]): one for one in sent}
        domain = [
            ["order_id", "in", sorted({order for order, _ in named})],
            ["name", "in", sorted({name for _, name in named})],
            ["id", "not in", sorted(held)],
            ["product_uom_qty", "!=", 0],
        ]
        for row in self.odoo.search_read("sale.order.line", domain, _FIELDS):
            order = many2one(row["order_id"])
            one = named.get((order[0] if order else 0, row["name"]))
            if one is not None:
                yield one, row

    def _mend(self, one: "_Sent", row: Mapping[str, Any] | None) -> dict[str, Any]:
        if one.line.frozen:
            return {"mended": False, "why": "its period is invoiced"}
        if row is not None and one.is_invoiced(row):
            return {"mended": False, "why": "it is on an invoice"}
        try:
            self.lines.make_due(one.line, lane(one.owed.order, self.lanes), self.clock(), forget=True)
        except Conflict as conflict:
            return {"mended": False, "why": conflict.message}
        return {"mended": True, "why": "it is due to be sent again"}

    def _empty(self, one: "_Sent", twin: Mapping[str, Any]) -> dict[str, Any]:
        """Set a duplicate to zero, under the lane's lease: no two calls on one order at once."""
        if decimal(twin.get("qty_invoiced")):
            return {"mended": False, "why": "it is on an invoice"}
        name, now = f"LANE#{lane(one.owed.order, self.lanes):02d}", self.clock()
        if not self.leases.take(name, now, now + _LEASE):
            return {"mended": False, "why": "the relay is at work on this order: try again in a moment"}
        try:
            self.odoo.call("sale.order.line", "write", ids=[twin["id"]], vals={"product_uom_qty": 0})
        except FusionError as error:
            return {"mended": False, "why": error.message}
        finally:
            self.leases.leave_closed(name, now, now)
        return {"mended": True, "why": "its quantity is zero now"}


def _position(cursor: str | None) -> tuple[int, str | None]:
    match = _CURSOR.fullmatch(cursor or "0:")
    if match is None:
        raise Refused(
            [Fault("cursor", "bad_parameter", "is no cursor of a comparison")], code="bad_parameter"
        )
    return int(match[1]), match[2] or None


@dataclass(frozen=True)
class _Sent:
    """A line that Odoo acknowledged, and what it should be there."""

    line: StoredLine
    owed: Owed
    shapes: tuple[Line, ...]

    @classmethod
    def of(cls, line: StoredLine, precision: Precision, mode: Mode) -> "_Sent":
        owed = read(line.doc, line.key.subscription)
        shapes = []
        for plainly in (False, True):
            try:
                shapes.append(line_of(owed, precision, mode=mode, plainly=plainly))
            except FusionError:
                continue
        return cls(line, owed, tuple(shapes))

    def differences(self, row: Mapping[str, Any] | None) -> list[str]:
        """Return how the line in Odoo differs from what was sent."""
        if row is None:
            return ["deleted"]
        found = []
        order, product = many2one(row.get("order_id")), many2one(row.get("product_id"))
        if order is None or order[0] != self.owed.order:
            found.append("moved")
        if product is None or product[0] != self.owed.product:
            found.append("product")
        if row.get("state") == "cancel":
            found.append("cancelled")
        if self.rolling and (self.line.frozen or self.is_invoiced(row)):
            return found  # a rolling line is that of all its periods: what it says of a past one is gone
        quantity, price = decimal(row.get("product_uom_qty")), decimal(row.get("price_unit"))
        subtotal = decimal(row.get("price_subtotal"))
        if self.rolling:
            quantity -= decimal(row.get("qty_invoiced"))
            subtotal = to_bill(quantity, price, self.owed.digits)
        if self.line.sent_amount is not None and subtotal != self.line.sent_amount:
            found.append("subtotal")
        is_current = self.line.sent_version == self.line.version
        if is_current and (quantity, price) not in {(one.quantity, one.price) for one in self.shapes}:
            found.append("quantity or price")
        return found

    @property
    def rolling(self) -> bool:
        """Tell whether the line is the one of all periods."""
        return any(shape.rolling for shape in self.shapes)

    def is_invoiced(self, row: Mapping[str, Any]) -> bool:
        """Tell whether Odoo has invoiced what the line was written for."""
        before = self.line.base or ZERO if self.rolling else ZERO
        return decimal(row.get("qty_invoiced")) != before

    def finding(self, differences: Sequence[str]) -> dict[str, Any]:
        """Return what is told of it."""
        key = self.line.key
        return {
            "line": key.line,
            "subscription": key.subscription,
            "charge": key.charge,
            "period_start": rfc3339(key.period_start),
            "odoo_order_id": self.owed.order,
            "odoo_line_id": self.line.odoo_id,
            "amount": str(self.line.sent_amount),
            "found": list(differences),
        }
