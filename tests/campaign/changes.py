"""What people change while usage is pushed: prices by the API, subscriptions and their invoices in Odoo."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from local.odoo.errors import OdooError
from tests.campaign.app import App
from tests.campaign.checks import Checks
from tests.campaign.customers import OTHER_PRODUCT, Customer, Customers
from tests.campaign.world import World
from tests.lives.definitions import PLANS

_ATTEMPTS = 100
_PAUSE = timedelta(minutes=5)
_UNPRICED = ("name", "metric", "applies_to", "currency", "odoo_product_id")


@dataclass
class Changes:
    """The steps of a story that change what usage comes to, and who is invoiced when."""

    world: World
    app: App
    customers: Customers
    checks: Checks

    def on_reprice(self, code: str, price: Mapping[str, Any], valid: str | None, hours: int) -> None:
        """Change the price of a charge: since ever, or from an instant or day of the first customer's open period."""
        charge = self.customers.spec["charges"][code]
        body = {**{name: charge[name] for name in _UNPRICED}, **price}
        valid_from = self._valid_from(valid, hours)
        if valid_from is not None:
            body["valid_from"] = valid_from
        self._insist("PUT", f"/v1/charges/{code}", body)
        self.checks.reprice()
        for customer in self.customers.all:
            self.app.changed_at[customer.id, charge["metric"]] = self.world.clock.now

    def _valid_from(self, valid: str | None, hours: int) -> str | None:
        zone, now = self.customers.zone, self.world.clock.now
        opened, end = self.customers.all[0].periods(zone)[-1]
        instants = {
            "hour": max(opened, now.replace(minute=0, second=0, microsecond=0)),
            "open": opened + timedelta(hours=hours),
            "day": opened + timedelta(hours=hours),
            "next": end + timedelta(hours=hours),
        }
        if valid is None:
            return None
        at = instants[valid]
        return at.astimezone(zone).date().isoformat() if valid == "day" else at.isoformat()

    def _insist(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Repeat a request until it has a response, as an operator does."""
        for _ in range(_ATTEMPTS):
            answer = self.world.call(method, path, body)
            if answer is not None and answer.status != 503:
                if answer.status != 200:
                    self.world.wrong.append(f"{method} {path} came to {answer}")
                return
            self.world.advance(_PAUSE)
        self.world.wrong.append(f"{method} {path} had no response for hours")

    def on_invoice(self, customer: int) -> None:
        """Have Odoo invoice a subscription: its period ends, and the next one begins."""
        self.customers.invoice(self.customers.all[customer])

    def on_renew(self, customer: int) -> None:
        """Have a person renew a subscription with a new order."""
        self.customers.renew(self.customers.all[customer])

    def on_change_plan(self, customer: int) -> None:
        """Have a person give a subscription the other plan."""
        changed = self.customers.all[customer]
        other = 1 - PLANS.index(changed.plans[-1][1])
        with suppress(OdooError):  # it is closed, or locked
            self.world.odoo.change_plan(changed.order, other + 1)
            changed.plans.append((self.world.clock.now, PLANS[other]))
            self._changed(changed)

    def on_upsell(self, customer: int) -> None:
        """Have a person sell something else to a subscription, with an upsell order."""
        with suppress(OdooError):
            self.world.odoo.upsell(self.customers.all[customer].order, OTHER_PRODUCT)

    def on_close(self, customer: int) -> None:
        """Have a person close a subscription, as of today."""
        closed, now = self.customers.all[customer], self.world.clock.now
        [order] = self._order(closed, "subscription_state")
        if order["subscription_state"] != "3_progress":
            return  # usage of a pause would stay unbilled
        with suppress(OdooError):
            self.world.odoo.close(closed.order)
            closed.closed_at, closed.settled = now, self.customers.terms.settled_by.get(closed.id, 0)
            midnight = datetime.combine(now.date() + timedelta(days=1), time(), self.customers.zone)
            self.app.ends_at[closed.id] = min(now, midnight)
            self._changed(closed)

    def on_final_invoice(self, customer: int, post: bool) -> None:
        """Have a person invoice what a closed subscription still owes, as far as Odoo knows it."""
        ended = self.customers.all[customer]
        if ended.closed_at is not None:
            with suppress(OdooError):  # there is nothing to invoice
                self.world.odoo.invoice_order(ended.order, post=post)
                ended.changed_at = self.world.clock.now

    def _order(self, customer: Customer, *fields: str) -> list[dict[str, Any]]:
        return self.world.odoo.read("sale.order", [["id", "=", customer.order]], list(fields))

    def _changed(self, customer: Customer) -> None:
        """Note that all of a subscription's usage is to be rated anew."""
        customer.changed_at = self.world.clock.now
        for metric in self.customers.spec["metrics"]:
            self.app.changed_at[customer.id, metric] = self.world.clock.now
