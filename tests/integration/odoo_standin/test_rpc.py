"""Odoo 17 and 18: the same behaviour over JSON-RPC and XML-RPC, with their own shapes of errors."""

import http.client
import json
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.odoo.server import Server, serve

pytestmark = pytest.mark.integration

FIELDS = ["id", "order_id/.id", "product_id/.id", "product_uom_qty", "price_unit", "name"]
Execute = Callable[..., Any]


class JsonError(Exception):
    """An `error` object of JSON-RPC."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["data"]["message"])
        self.error = error


def jsonrpc(server: Server, service: str, method: str, *args: Any) -> Any:
    body = {
        "jsonrpc": "2.0",
        "method": "call",
        "id": 1,
        "params": {"service": service, "method": method, "args": args},
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", "/jsonrpc", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    assert response.status == 200
    if "error" in answer:
        raise JsonError(answer["error"])
    return answer["result"]


def xml(server: Server, service: str, method: str, *args: Any) -> Any:
    with xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/2/{service}") as proxy:
        return getattr(proxy, method)(*args)


@pytest.fixture(params=["jsonrpc", "xmlrpc"])
def rpc(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return jsonrpc if request.param == "jsonrpc" else xml


@pytest.fixture
def execute(odoo: Server, rpc: Callable[..., Any]) -> Execute:
    def call(model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        return rpc(odoo, "object", "execute_kw", "h4", 5, "key-relay", model, method, list(args), kwargs)

    return call


def fault(call: Callable[[], Any]) -> tuple[Any, str]:
    """Return how a call fails: the error's name and message, or the fault's code and text."""
    try:
        call()
    except JsonError as error:
        return error.error["data"]["name"], error.error["data"]["message"]
    except xmlrpc.client.Fault as error:
        return error.faultCode, error.faultString
    pytest.fail("it did not fail")


def test_a_login_gets_the_user_s_id_for_her_key_or_her_password(odoo: Server, rpc: Any) -> None:
    odoo.admin.set_password("relay", "secret")
    assert rpc(odoo, "common", "authenticate", "h4", "relay", "key-relay", {}) == 5
    assert rpc(odoo, "common", "login", "h4", "relay", "secret") == 5
    assert rpc(odoo, "common", "authenticate", "h4", "relay", "key-own", {}) is False
    assert rpc(odoo, "common", "version")["server_serie"] == "19.0"


def test_lines_are_loaded_searched_read_and_written(execute: Execute) -> None:
    row = ["fusion_billing.a", "1", "1", "250", "0.004", "API"]
    loaded = execute("sale.order.line", "load", FIELDS, [row])
    assert loaded == {"ids": [4], "messages": [], "nextrow": 0}
    assert execute("sale.order.line", "write", [4], {"product_uom_qty": 300.5}) is True
    read = execute("sale.order.line", "read", [4], ["product_uom_qty", "order_id"])
    assert read == [{"id": 4, "product_uom_qty": 300.5, "order_id": [1, "S00001"]}]
    found = execute("sale.order", "search_read", [["id", "=", 1]], fields=["name"], limit=1)
    assert found == [{"id": 1, "name": "S00001"}]
    assert execute("sale.order", "search_count", domain=[]) == 2


def test_create_of_one_dict_returns_one_id(execute: Execute) -> None:
    values = {"order_id": 1, "product_id": 1}
    assert execute("sale.order.line", "create", values) == 4
    assert execute("sale.order.line", "create", [values]) == [5]


@pytest.mark.parametrize(
    ("target", "args", "either"),
    [
        ("sale.order.line/write", [[999], {"name": "x"}], ("odoo.exceptions.MissingError", 2)),
        ("sale.order.line/write", [[3], {"nope": 1}], ("builtins.ValueError", 1)),
        ("sale.order.line/unlink", [[3]], ("odoo.exceptions.UserError", 2)),
        ("decimal.precision/write", [[1], {"digits": 9}], ("odoo.exceptions.AccessError", 4)),
        ("sale.order/_create_invoices", [[1]], ("odoo.exceptions.AccessError", 4)),
        ("sale.order/frobnicate", [[1]], ("builtins.AttributeError", 1)),
        ("no.such.model/read", [[1]], ("odoo.exceptions.UserError", 2)),
        ("sale.order/write", [[1]], ("builtins.TypeError", 1)),
    ],
)
def test_errors_have_the_protocol_s_own_shape(
    execute: Execute, request: pytest.FixtureRequest, target: str, args: list[Any], either: tuple[str, int]
) -> None:
    name, code = either
    model, _, method = target.partition("/")
    found, text = fault(lambda: execute(model, method, *args))
    over_xml = "xmlrpc" in request.node.name
    assert found == (code if over_xml else name)
    if over_xml and code == 1:
        assert text.splitlines()[-1].startswith(name.removeprefix("builtins."))


def test_a_wrong_key_and_a_wrong_database_are_told_apart(odoo: Server, rpc: Any) -> None:
    def call(database: str, key: str) -> Any:
        return rpc(odoo, "object", "execute_kw", database, 5, key, "sale.order", "search", [[]])

    assert fault(lambda: call("h4", "no-such-key"))[0] in ("odoo.exceptions.AccessDenied", 3)
    name, text = fault(lambda: call("other", "key-relay"))
    assert name in ("psycopg2.OperationalError", 1)
    assert 'database "other" does not exist' in text


def test_faults_meet_these_protocols_too(odoo: Server, execute: Execute) -> None:
    odoo.admin.fault("serialization", method="write")
    name, text = fault(lambda: execute("sale.order", "write", [1], {"client_order_ref": "x"}))
    assert name in ("psycopg2.errors.SerializationFailure", 1)
    assert "could not serialize access" in text
    odoo.admin.fault("load_serialization")
    row = ["x.a", "1", "1", "1", "1", "a"]
    assert execute("sale.order.line", "load", FIELDS, [row])["ids"] is False


@pytest.fixture
def older(tmp_path: Path, rpc: Any) -> Iterator[tuple[Server, Execute]]:
    with serve(tmp_path / "older.sqlite", database="h4", series="17.0") as server:
        uid = server.admin.add_user("relay", "all_documents")
        key = server.admin.add_key("relay")
        server.admin.seed({"res.partner": [{"id": 6, "name": "Customer"}]})
        server.admin.seed({"sale.order": [{"id": 1, "partner_id": 6, "state": "sale"}]})

        def call(model: str, method: str, *args: Any, **kwargs: Any) -> Any:
            return rpc(server, "object", "execute_kw", "h4", uid, key, model, method, list(args), kwargs)

        yield server, call


def test_odoo_17_rounds_prices_and_has_no_json_2(older: tuple[Server, Execute], client_of: Any) -> None:
    server, execute = older
    digits = execute("sale.order.line", "fields_get", ["price_unit", "product_uom_qty"], attributes=["digits"])
    assert digits == {"price_unit": {"digits": [16, 2]}, "product_uom_qty": {"digits": [16, 2]}}
    values = {"order_id": 1, "name": "n", "price_unit": 0.0049, "product_uom_qty": 1.239}
    line = execute("sale.order.line", "create", values)
    read = execute("sale.order.line", "read", [line], ["price_unit", "product_uom_qty"])
    assert read == [{"id": line, "price_unit": 0.0, "product_uom_qty": 1.24}]
    assert execute("res.users", "has_group", "sales_team.group_sale_salesman") is True
    assert client_of(server).call("sale.order/search_count", domain=[]).status == 404
