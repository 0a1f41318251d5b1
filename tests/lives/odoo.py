"""The stand-in Odoo without its sockets: the relay's HTTP client calls it within the process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from fusion_billing.odoo.errors import ConnectionLost
from fusion_billing.odoo.transport import Response as HttpResponse
from local.odoo import json2
from local.odoo.admin import Admin
from local.odoo.engine import StandIn
from local.odoo.faults import GatewayAnswer, Hangup
from local.odoo.json2 import Request, Response, as_html
from local.odoo.seed import ensure_base
from tests.memory_dynamodb import Hooks

KEY = "relay-key"
PRODUCTS = (7, 8, 9)

DATABASE: dict[str, list[dict[str, Any]]] = {
    "product.product": [{"id": number, "name": f"Overage {number}", "lst_price": Decimal(1)} for number in PRODUCTS],
    "res.partner": [{"id": 6, "name": "A customer"}],
}


class Http:
    """What `fusion_billing.odoo.transport.Http` is, on a stand-in of this process."""

    def __init__(self, stand_in: StandIn, hooks: Hooks) -> None:
        self._stand_in = stand_in
        self._hooks = hooks

    def post(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpResponse:
        """Post to the stand-in; raises `ConnectionLost` where it hangs up."""
        about = {"path": path}
        self._hooks.before_call("Odoo", about)
        request = Request("POST", path, {name.lower(): value for name, value in headers.items()}, body)
        try:
            response = json2.response(self._stand_in, request)
        except GatewayAnswer as gateway:
            response = as_html("", gateway.status)
        except Hangup:
            raise ConnectionLost("the connection ended before the response did") from None
        self._hooks.after_call("Odoo", about, {})
        return _as_http(response)


def _as_http(response: Response) -> HttpResponse:
    return HttpResponse(response.status, response.content_type.partition(";")[0], response.body)


@contextmanager
def stand_in(clock: Callable[[], datetime]) -> Iterator[tuple[StandIn, Admin]]:
    """Give an Odoo in memory with products, a customer and the relay's user."""
    made = StandIn(":memory:", clock=clock, sleep=lambda _: None)
    try:
        ensure_base(made)
        admin = Admin(made)
        admin.seed(DATABASE)
        admin.add_user("relay", "all_documents")
        admin.add_key("relay", KEY)
        yield made, admin
    finally:
        made.close()
