"""A stand-in holding the database that the exchanges were recorded on, and a plain client of it."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.odoo.server import Server, serve

DATABASE = "h4"
LAST_EXTERNAL_ID = 33095  # the recorded database had as many external ids before
KEYS = {"admin": "key-admin", "relay": "key-relay", "relay_own": "key-own", "nosale": "key-nosale"}

RECORDED: dict[str, list[dict[str, Any]]] = {
    "product.product": [
        {"id": 1, "name": "API calls overage", "default_code": "API-OVER", "lst_price": Decimal("0.01")},
        {"id": 2, "name": "Storage overage", "default_code": "STO-OVER", "lst_price": Decimal(2)},
        {"id": 3, "name": "Seats overage", "default_code": "SEAT-OVER", "lst_price": Decimal(5)},
        {
            "id": 4,
            "name": "Pro plan",
            "default_code": "PRO",
            "lst_price": Decimal(49),
            "recurring_invoice": True,
        },
    ],
    "sale.subscription.plan": [{"id": 1, "name": "Monthly"}],
    "res.partner": [{"id": 6, "name": "First customer"}, {"id": 7, "name": "Second customer"}],
    "sale.order": [
        {
            "id": number,
            "partner_id": 5 + number,
            "user_id": 2,
            "state": "sale",
            "is_subscription": True,
            "subscription_state": "3_progress",
            "plan_id": 1,
            "start_date": "2026-10-15",
            "next_invoice_date": "2026-11-15",
        }
        for number in (1, 2)
    ],
    "sale.order.line": [
        {"id": 1, "order_id": 1, "product_id": 4},
        {"id": 2, "order_id": 2, "product_id": 4},
        {
            "id": 3,
            "order_id": 1,
            "product_id": 1,
            "name": "API calls overage 2026-10-15/2026-11-15",
            "product_uom_qty": 3,
        },
    ],
}


@dataclass(frozen=True)
class Answer:
    """What came back: the body parsed where it is JSON."""

    status: int
    content_type: str
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Client:
    """Calls a stand-in over HTTP, as `relay` unless told otherwise."""

    server: Server

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        kind = (response.getheader("Content-Type") or "").partition(";")[0]
        parsed = json.loads(content, parse_float=Decimal) if kind == "application/json" else content.decode()
        return Answer(response.status, kind, parsed, dict(response.getheaders()))

    def post(self, path: str, body: Any, key: str | None = "key-relay", **headers: str) -> Answer:
        sent = {"Content-Type": "application/json", "X-Odoo-Database": DATABASE}
        if key is not None:
            sent["Authorization"] = f"bearer {key}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body, default=float).encode()
        return self.send("POST", path, content, sent)

    def call(self, target: str, _key: str = "key-relay", /, **arguments: Any) -> Answer:
        """Call `model/method`."""
        return self.post(f"/json/2/{target}", arguments, _key)

    def load(self, *rows: list[Any], fields: list[str] | None = None) -> Answer:
        columns = fields or ["id", "order_id/.id", "product_id/.id", "product_uom_qty", "price_unit", "name"]
        return self.call("sale.order.line/load", fields=columns, data=list(rows))


@pytest.fixture
def odoo(tmp_path: Path) -> Iterator[Server]:
    with serve(tmp_path / "odoo.sqlite", database=DATABASE) as server:
        admin = server.admin
        admin.add_user("relay", "all_documents", 5)
        admin.add_user("relay_own", "own_documents", 6)
        admin.add_user("nosale", "no_sales", 7)
        for login, key in KEYS.items():
            admin.add_key(login, key)
        admin.seed(RECORDED)
        with server.stand_in.state.transaction():
            server.stand_in.state.reserve("ir.model.data", LAST_EXTERNAL_ID)
        yield server


@pytest.fixture
def client(odoo: Server) -> Client:
    return Client(odoo)


@pytest.fixture
def client_of() -> type[Client]:
    return Client
