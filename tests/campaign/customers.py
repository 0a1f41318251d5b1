"""Two subscriptions in Odoo, their periods as Odoo's invoices lay them, and what each charge may come to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from local.odoo.errors import OdooError
from tests.campaign.app import App
from tests.campaign.terms import TermsHistory
from tests.campaign.world import World
from tests.lives import oracle
from tests.lives.definitions import PLANS
from tests.lives.life import a_month_on

Pair = tuple[str, str, datetime]
"""A subscription, a charge, and the start of the period that amounts are about."""
OTHER_PRODUCT = 20
"""A product of Odoo's that has nothing to do with usage."""
Amounts = frozenset[Fraction]
"""What a pair may come to: one amount, or those before and after a change of price or plan that its invoice met."""


@dataclass
class Customer:
    """A subscription: its order of now, and the starts of its periods, the open one last."""

    id: str
    order: int
    starts: list[datetime]
    next_invoice: str
    orders: list[int] = field(default_factory=list)
    changed_at: datetime | None = None
    """When somebody changed it in Odoo last: an invoice, a renewal, another plan, its end."""
    plans: list[tuple[datetime | None, str]] = field(default_factory=lambda: [(None, PLANS[0])])
    """Its plans in Odoo, and when somebody chose each; the current one last."""
    closed_at: datetime | None = None
    """When somebody closed it."""
    settled: int | None = None
    """The terms that it was settled by when it was closed: its final invoice may come at any time from then on."""
    ends: datetime | None = None
    """Where it ends, as the service says once it has seen it closed."""

    def periods(self, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        """Return all periods up to the open one."""
        return list(zip(self.starts, [*self.starts[1:], _midnight(self.next_invoice, zone)], strict=True))


@dataclass
class Customers:
    """All subscriptions of a world."""

    world: World
    spec: dict[str, Any]
    all: list[Customer] = field(default_factory=list)
    terms: TermsHistory = field(default_factory=TermsHistory)

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that all customers live in."""
        return ZoneInfo(self.spec["zone"])

    def begin(self) -> None:
        """Set up Odoo."""
        odoo = self.world.odoo
        odoo.write("res.partner", [1], {"tz": self.spec["zone"]})
        odoo.seed({"sale.subscription.plan": [{"id": n, "name": name} for n, name in enumerate(PLANS, 1)]})
        odoo.seed({"product.product": [{"id": OTHER_PRODUCT, "name": "Support", "recurring_invoice": True}]})
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
        self._next_period(customer)
        customer.next_invoice = done["next_invoice_date"]
        return True

    def _next_period(self, customer: Customer) -> None:
        self.terms.closes(customer.id, customer.starts[-1], customer.settled)
        customer.starts.append(_midnight(customer.next_invoice, self.zone))

    def renew(self, customer: Customer) -> bool:
        """Have Odoo renew a subscription with a new order; return whether it did."""
        if customer.closed_at is not None:
            return False  # it would run again, with a gap
        try:
            customer.order = self.world.odoo.renew(customer.order)["id"]
        except OdooError:
            return False
        customer.changed_at = self.world.clock.now
        customer.orders.append(customer.order)
        return True

    def opened(self, customer: Customer, start: datetime) -> None:
        """Note the period of a closed subscription that the service has open: a final invoice opens the next one."""
        while customer.closed_at is not None and customer.starts[-1] < start:
            self._next_period(customer)
            customer.next_invoice = a_month_on(customer.next_invoice)

    def expected(self, app: App, only: str | None = None) -> dict[Pair, Amounts]:
        """Return what each charge may come to in each period up to the open one, by the oracle."""
        result: dict[Pair, Amounts] = {}
        for customer in self.all:
            if only not in (None, customer.id):
                continue
            for code, charge in self.spec["charges"].items():
                records = app.records(customer.id, charge["metric"])
                for period in customer.periods(self.zone):
                    result[customer.id, code, period[0]] = self._amounts(customer, code, records, period)
        return result

    def _amounts(
        self, customer: Customer, code: str, records: list[oracle.Record], period: tuple[datetime, datetime]
    ) -> Amounts:
        metric = self.spec["metrics"][self.spec["charges"][code]["metric"]]
        own = _of(period, records, metric["aggregation"])
        prices = []
        for terms in self.terms.of(customer.id, period[0]):
            price = terms.prices[code], terms.plans[customer.id]
            if price not in prices:
                prices.append(price)
        lives = [
            (versions, oracle.Life(customer.id, self.spec["zone"], plans, None, customer.ends))
            for versions, plans in prices
        ]
        return frozenset(oracle.amount(versions, metric, own, lived, period) for versions, lived in lives)


def _of(period: tuple[datetime, datetime], records: list[oracle.Record], aggregation: str) -> list[oracle.Record]:
    start, end = period
    if aggregation == "time_weighted":
        return [record for record in records if record.start < end and record.end > start]
    return [record for record in records if start <= record.start < end]


def _midnight(day: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
