"""Two subscriptions in Odoo, their periods as Odoo's invoices lay them, and what each charge must come to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from local.odoo.errors import OdooError
from tests.campaign.app import App
from tests.campaign.world import World
from tests.lives import oracle
from tests.lives.definitions import PLANS
from tests.lives.life import a_month_on

Pair = tuple[str, str, datetime]
"""A subscription, a charge, and the start of the period that amounts are about."""


@dataclass
class Customer:
    """A subscription: its order of now, and the starts of its periods, the open one last."""

    id: str
    order: int
    starts: list[datetime]
    next_invoice: str
    orders: list[int] = field(default_factory=list)
    changed_at: datetime | None = None
    """When Odoo invoiced or renewed it last."""

    def periods(self, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        """Return all periods up to the open one."""
        return list(zip(self.starts, [*self.starts[1:], _midnight(self.next_invoice, zone)], strict=True))


@dataclass
class Customers:
    """All subscriptions of a world."""

    world: World
    spec: dict[str, Any]
    all: list[Customer] = field(default_factory=list)

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that all customers live in."""
        return ZoneInfo(self.spec["zone"])

    def begin(self) -> None:
        """Set up Odoo."""
        odoo = self.world.odoo
        odoo.write("res.partner", [1], {"tz": self.spec["zone"]})
        odoo.seed({"sale.subscription.plan": [{"id": n, "name": name} for n, name in enumerate(PLANS, 1)]})
        for number, start in enumerate(self.spec["starts"], 1):
            first = {"id": number, "partner_id": 6, "user_id": 2, "state": "sale", "is_subscription": True}
            terms = {"subscription_state": "3_progress", "plan_id": 1, "start_date": start}
            following = a_month_on(start)
            odoo.seed({"sale.order": [{**first, **terms, "next_invoice_date": following}]})
            starts = [_midnight(start, self.zone)]
            self.all.append(Customer(str(number), number, starts, following, [number]))

    def invoice(self, customer: Customer) -> bool:
        """Have Odoo invoice a subscription; return whether it did."""
        try:
            done = self.world.odoo.invoice_period(customer.order)
        except OdooError:
            return False  # paused, for one
        customer.changed_at = self.world.clock.now
        customer.starts.append(_midnight(customer.next_invoice, self.zone))
        customer.next_invoice = done["next_invoice_date"]
        return True

    def renew(self, customer: Customer) -> bool:
        """Have Odoo renew a subscription with a new order; return whether it did."""
        try:
            customer.order = self.world.odoo.renew(customer.order)["id"]
        except OdooError:
            return False
        customer.changed_at = self.world.clock.now
        customer.orders.append(customer.order)
        return True

    def expected(self, app: App, only: str | None = None) -> dict[Pair, Fraction]:
        """Return what each charge comes to in each period up to the open one, by the oracle."""
        result: dict[Pair, Fraction] = {}
        for customer in self.all:
            if only not in (None, customer.id):
                continue
            lived = oracle.Life(customer.id, self.spec["zone"], [(None, PLANS[0])])
            for code, charge in self.spec["charges"].items():
                metric = self.spec["metrics"][charge["metric"]]
                records = app.records(customer.id, charge["metric"])
                for period in customer.periods(self.zone):
                    own = _of(period, records, metric["aggregation"])
                    result[customer.id, code, period[0]] = oracle.amount([charge], metric, own, lived, period)
        return result


def _of(period: tuple[datetime, datetime], records: list[oracle.Record], aggregation: str) -> list[oracle.Record]:
    start, end = period
    if aggregation == "time_weighted":
        return [record for record in records if record.start < end and record.end > start]
    return [record for record in records if start <= record.start < end]


def _midnight(day: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
