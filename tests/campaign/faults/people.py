"""What people, and Odoo itself, do to orders and lines at any moment."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from fusion_billing.odoo.errors import ConnectionLost
from local.odoo.errors import OdooError
from tests.campaign.director import Call
from tests.campaign.faults.base import Counted, Fault, Parameters, Within
from tests.lives.odoo import PRODUCTS


class _Person(Fault):
    """Something a person does to an order at once."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"customer": random.randrange(2), "line": random.randrange(5), "by": random.choice(["1", "7", "0.5"])}

    def start(self) -> None:
        try:
            if self.act():
                self.fire()
        except OdooError:
            return  # Odoo does not allow it now
        self.world.happened()

    def stop(self) -> None:
        return

    def act(self) -> bool:
        raise NotImplementedError

    @property
    def customer(self) -> Any:
        return self.play.customers.all[self.parameters["customer"]]

    def line(self) -> dict[str, Any] | None:
        """Return one of our lines that is not invoiced."""
        domain = [
            ["order_id", "=", self.customer.order],
            ["product_id", "in", list(PRODUCTS)],
            ["qty_invoiced", "=", 0],
        ]
        found = self.world.odoo.read("sale.order.line", domain, ["product_uom_qty", "price_unit"])
        return found[self.parameters["line"] % len(found)] if found else None


class EditsQuantity(_Person, kind="person_edits_quantity"):
    """A person changes the quantity of one of our lines."""

    def act(self) -> bool:
        line = self.line()
        if line is None:
            return False
        quantity = Decimal(line["product_uom_qty"]) + Decimal(self.parameters["by"])
        return self.world.odoo.write("sale.order.line", [line["id"]], {"product_uom_qty": quantity})


class EditsPrice(_Person, kind="person_edits_price"):
    """A person changes the price of one of our lines."""

    def act(self) -> bool:
        line = self.line()
        if line is None:
            return False
        price = Decimal(line["price_unit"]) + Decimal(self.parameters["by"])
        return self.world.odoo.write("sale.order.line", [line["id"]], {"price_unit": price})


class DeletesLine(_Person, kind="person_deletes_line"):
    """A person deletes one of our lines."""

    def act(self) -> bool:
        line = self.line()
        return line is not None and self.world.odoo.unlink("sale.order.line", [line["id"]])


class CopiesLine(_Person, kind="person_copies_line"):
    """A person copies one of our lines on its order."""

    def act(self) -> bool:
        line = self.line()
        if line is None:
            return False
        [row] = self.world.odoo.read("sale.order.line", [["id", "=", line["id"]]])
        names = ("product_uom_qty", "price_unit", "name")
        copied = {name: row[name] for name in names}
        new = {**copied, "order_id": self.customer.order, "product_id": row["product_id"][0]}
        self.world.odoo.seed({"sale.order.line": [new]})
        return True


class UpdatesPrices(_Person, kind="person_updates_prices"):
    """A person presses "Update Prices" on an order."""

    def act(self) -> bool:
        return self.line() is not None and self.world.odoo.update_prices(self.customer.order)


class Renews(_Person, kind="person_renews"):
    """A person renews a subscription with a new order."""

    def act(self) -> bool:
        return self.play.customers.renew(self.customer)


class Pauses(_Person, kind="person_pauses"):
    """A person pauses a subscription for some hours."""

    delays_rating = True

    def act(self) -> bool:
        self.world.odoo.pause(self.customer.order)
        self._order = self.customer.order
        self.world.later.append((self.world.clock.now + timedelta(hours=5), self._resume))
        return True

    def _resume(self) -> None:
        [order] = self.world.odoo.read("sale.order", [["id", "=", self._order]], ["subscription_state"])
        if order["subscription_state"] == "4_paused":
            self.world.odoo.resume(self._order)

    def stop(self) -> None:
        if hasattr(self, "_order"):
            self._resume()


class Locks(_Person, kind="person_locks_order"):
    """A person locks an order for some hours: its lines can't be written."""

    def act(self) -> bool:
        self._order = self.customer.order
        self.world.odoo.write("sale.order", [self._order], {"locked": True})
        self.world.later.append((self.world.clock.now + timedelta(hours=5), self._unlock))
        return True

    def _unlock(self) -> None:
        self.world.odoo.write("sale.order", [self._order], {"locked": False})

    def stop(self) -> None:
        if hasattr(self, "_order"):
            self._unlock()


class InvoicesBetweenCalls(Within, kind="odoo_invoices_between_calls"):
    """Odoo invoices a subscription between two calls of the relay."""

    functions = ("relay",)
    most_skipped = 40

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "customer": random.randrange(2)}

    def happen(self, call: Call) -> None:
        self.play.customers.invoice(self.play.customers.all[self.parameters["customer"]])


class InvoicesInFlight(Counted, kind="odoo_invoices_in_flight"):
    """Odoo invoices a subscription while our call is on its way, or before its response arrives."""

    functions = ("relay",)
    most_skipped = 6
    most_times = 1

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {
            **super().choose(random),
            "customer": random.randrange(2),
            "after": random.random() < 0.5,
            "method": random.choice(["load", "load", None]),
        }

    def matches(self, call: Call) -> bool:
        return call.operation == "Odoo" and self.parameters["method"] in (None, call.request["method"])

    def before(self, call: Call) -> None:
        if not self.parameters["after"] and self.is_due(call):
            self._invoice()

    def after(self, call: Call) -> None:
        if self.parameters["after"] and self.is_due(call):
            self._invoice()

    def _invoice(self) -> None:
        self.play.customers.invoice(self.play.customers.all[self.parameters["customer"]])


class InvoicesWhileRating(Within, kind="odoo_invoices_while_rating"):
    """Odoo invoices a subscription, and that is read, while the subscription is being rated."""

    functions = ("rate",)
    most_skipped = 40

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "customer": random.randrange(2)}

    def happen(self, call: Call) -> None:
        self.play.customers.invoice(self.play.customers.all[self.parameters["customer"]])
        self.world.start(next(each for each in self.play.schedules if each.name == "sync"))


class InvoicesAndLost(InvoicesInFlight, kind="odoo_invoices_and_response_lost"):
    """Odoo carries out our call, invoices the subscription, and the response is lost."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "method": "load", "after": True, "skip": random.randrange(2)}

    def after(self, call: Call) -> None:
        if self.is_due(call):
            self._invoice()
            raise ConnectionLost("the connection ended before the response did")


class InvoicesAndKilled(InvoicesInFlight, kind="odoo_invoices_and_killed"):
    """Odoo carries out our call and invoices the subscription, and the invocation is killed before it notes so."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {
            **super().choose(random),
            "function": "relay",
            "method": "load",
            "after": True,
            "skip": random.randrange(2),
        }

    def after(self, call: Call) -> None:
        if self.is_due(call):
            self._invoice()
            self.world.director.die()
