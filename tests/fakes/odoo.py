"""Odoo."""

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import ConnectError, ConnectionLost, ReadTimeout
from fusion_billing.odoo.keys import KeyRing
from fusion_billing.odoo.protocols.json2 import Json2
from fusion_billing.odoo.transport import Http, Response
from local.odoo import json2
from local.odoo.admin import Admin
from local.odoo.engine import StandIn
from local.odoo.faults import GatewayAnswer, Hangup
from local.odoo.json2 import Request
from local.odoo.seed import ensure_base
from tests.fakes.clock import FakeClock

PRODUCT = 7
OTHER_PRODUCT = 8
CUSTOMER = 6
_KEY = "relay-key"


@dataclass
class FakeOdoo:
    """The stand-in Odoo in this process: no HTTP, no file, its time and pauses those of the fake clock.

    Args:
        is_down: Refuse connections.
        before_call: Runs before the next call is carried out, and once only.
    """

    clock: FakeClock
    is_down: bool = False
    before_call: Callable[[], object] | None = None
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        stand_in = StandIn(":memory:", clock=self.clock, sleep=self.clock.sleep)
        weakref.finalize(self, stand_in.close)  # Python 3.13 warns of a database that nobody closed
        ensure_base(stand_in)
        self.stand_in = stand_in
        self.admin = Admin(stand_in)
        self.admin.seed(
            {
                "product.product": [
                    {"id": PRODUCT, "name": "API calls overage", "lst_price": 1},
                    {"id": OTHER_PRODUCT, "name": "Storage overage", "lst_price": 2},
                ],
                "sale.subscription.plan": [{"id": 1, "name": "Pro"}],
                "res.partner": [{"id": CUSTOMER, "name": "A customer"}],
            }
        )
        self.admin.add_user("relay", "all_documents")
        self.admin.add_key("relay", _KEY)
        self.client = Odoo(Json2(_InProcess(self), "demo"), KeyRing(lambda: _KEY, self.clock.monotonic), seconds=20)

    def order(self, number: int, **fields: object) -> None:
        """Confirm a monthly subscription's order, except for `fields`."""
        order: dict[str, object] = {
            "id": number,
            "partner_id": CUSTOMER,
            "user_id": 2,
            "state": "sale",
            "is_subscription": True,
            "subscription_state": "3_progress",
            "plan_id": 1,
            "start_date": "2026-01-01",
            "next_invoice_date": "2026-12-01",
            **fields,
        }
        self.admin.seed({"sale.order": [order]})

    def lines(self, order: int) -> list[Mapping[str, object]]:
        """Return the lines of an order: quantity, price and subtotal."""
        fields = ["product_id", "product_uom_qty", "price_unit", "price_subtotal", "name"]
        return list(self.admin.read("sale.order.line", [["order_id", "=", order]], fields))

    def subtotals(self, order: int) -> list[str]:
        """Return the subtotals of an order's lines, as text."""
        return [f"{line['price_subtotal']:.2f}" for line in self.lines(order)]

    def loads(self) -> int:
        """Return how often order lines were loaded."""
        return self.calls.count("/json/2/sale.order.line/load")


class _InProcess(Http):
    """Calls the stand-in where HTTP would be."""

    def __init__(self, odoo: FakeOdoo) -> None:
        super().__init__("http://odoo.example")
        self._odoo = odoo

    def post(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        odoo = self._odoo
        if odoo.is_down:
            raise ConnectError("The connection was refused")
        odoo.calls.append(path)
        if odoo.before_call is not None:
            before, odoo.before_call = odoo.before_call, None
            before()
        began = odoo.clock.monotonic()
        response = self._respond(Request("POST", path, {name.lower(): text for name, text in headers.items()}, body))
        if odoo.clock.monotonic() - began > seconds:
            raise ReadTimeout("No response in time")
        return response

    def _respond(self, request: Request) -> Response:
        try:
            answer = json2.response(self._odoo.stand_in, request)
        except GatewayAnswer as gateway:
            return Response(gateway.status, "text/html", b"", gateway.retry_after)
        except Hangup:
            raise ConnectionLost("The connection ended before the response did") from None
        return Response(answer.status, answer.content_type.partition(";")[0], answer.body)
