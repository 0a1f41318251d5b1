"""Faults, latencies, lost answers, overlapping loads: what a client must survive."""

import http.client
import threading
from decimal import Decimal
from typing import Any

import pytest

from local.odoo.server import Server

pytestmark = pytest.mark.integration

CONFLICT = "could not serialize access due to concurrent update"
ROW = ["fusion_billing.a", "1", "1", "5", "0.5", "a"]


def named(odoo: Server, name: str) -> list[dict[str, Any]]:
    return odoo.admin.read("sale.order.line", [["name", "=", name]], ["product_uom_qty"])


def test_a_serialization_failure_has_two_shapes_and_changes_nothing(client: Any, odoo: Server) -> None:
    odoo.admin.fault("serialization", model="sale.order.line")
    odoo.admin.fault("load_serialization")
    first, second = client.load(ROW), client.load(ROW)
    assert (first.status, first.body["name"]) == (500, "psycopg2.errors.SerializationFailure")
    assert (second.status, second.body["ids"]) == (200, False)
    assert CONFLICT in first.body["message"]
    assert CONFLICT in second.body["messages"][0]["message"]
    assert named(odoo, "a") == []
    assert client.load(ROW).body["ids"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_gateway_responds_instead_of_odoo(client: Any, odoo: Server, status: int) -> None:
    odoo.admin.fault("status", status=status, retry_after=7)
    answer = client.load(ROW)
    assert (answer.status, answer.content_type, answer.headers["Retry-After"]) == (status, "text/html", "7")
    assert named(odoo, "a") == []


@pytest.mark.parametrize(("kind", "lines"), [("lost", 1), ("reset", 0)])
def test_a_closed_connection_leaves_the_caller_without_a_response(
    client: Any, odoo: Server, kind: str, lines: int
) -> None:
    odoo.admin.fault(kind, method="load")
    with pytest.raises(http.client.RemoteDisconnected):
        client.load(ROW)
    assert len(named(odoo, "a")) == lines
    assert len(client.load(ROW).body["ids"]) == 1
    assert len(named(odoo, "a")) == 1


def test_a_fault_meets_only_the_calls_it_is_meant_for(client: Any, odoo: Server) -> None:
    odoo.admin.fault("status", times=2, method="load", skip=1)
    assert client.call("sale.order/search_count", domain=[]).status == 200
    assert [client.load(ROW).status for _ in range(4)] == [200, 503, 503, 200]
    assert odoo.admin.faults() == []


def test_down_refuses_connections_until_it_is_up_again(client: Any, odoo: Server) -> None:
    odoo.down()
    with pytest.raises(ConnectionRefusedError):
        client.load(ROW)
    odoo.up()
    assert client.load(ROW).status == 200


def test_down_for_a_while_comes_back_by_itself(client: Any, odoo: Server) -> None:
    odoo.down(1.5)
    with pytest.raises(ConnectionRefusedError):
        client.load(ROW)
    waited = threading.Event()
    for _ in range(200):
        try:
            assert client.load(ROW).status == 200
            break
        except ConnectionRefusedError:
            waited.wait(0.05)
    else:
        pytest.fail("never up again")


def test_the_later_of_two_concurrent_loads_on_one_order_fails_and_is_logged(client: Any, odoo: Server) -> None:
    odoo.admin.latency(1.0, call="sale.order.line/load")
    answers: list[Any] = []
    rows = [["x.a", "1", "1", "1", "1", "a"], ["x.b", "1", "1", "1", "1", "b"]]
    threads = [threading.Thread(target=lambda r=r: answers.append(client.load(r))) for r in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [answer.body for answer in answers if answer.body["ids"] is False]
    assert len(refused) == 1
    assert CONFLICT in refused[0]["messages"][0]["message"]
    assert len(odoo.admin.overlaps()) == 1
    assert odoo.admin.counters()["outcome:refused"] == 1


def invoiced_meanwhile(odoo: Server) -> None:
    """Have order 1 change while the next call is under way."""

    def sleep(_seconds: float) -> None:
        odoo.admin.invoice_period(1)

    odoo.stand_in.sleep = sleep
    odoo.admin.fault("slow", delay=1)


def test_an_overlap_blames_only_the_rows_of_the_order_that_changed(client: Any, odoo: Server) -> None:
    rows = [["x.a", "2", "1", "1", "1", "a"], ["x.b", "1", "1", "1", "1", "b"]]
    invoiced_meanwhile(odoo)
    body = client.load(*rows).body
    assert body["ids"] is False
    assert [message["record"] for message in body["messages"]] == [1]
    assert client.load(*rows).body["ids"]


def test_odoo_itself_repeats_a_write_that_an_overlap_failed(client: Any, odoo: Server) -> None:
    invoiced_meanwhile(odoo)
    answer = client.call("sale.order.line/write", ids=[3], vals={"product_uom_qty": 8})
    assert (answer.status, answer.body) == (200, True)


def test_loads_at_once_on_two_orders_both_succeed(client: Any, odoo: Server) -> None:
    odoo.admin.latency(0.2, call="sale.order.line/load")
    answers: list[Any] = []
    rows = [["x.a", "1", "1", "1", "1", "a"], ["x.b", "2", "1", "1", "1", "b"]]
    threads = [threading.Thread(target=lambda r=r: answers.append(client.load(r))) for r in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.body["ids"] for answer in answers)
    assert odoo.admin.overlaps() == []


def test_a_latency_is_so_much_a_call_and_so_much_a_row(client: Any, odoo: Server) -> None:
    slept: list[float] = []
    odoo.stand_in.sleep = slept.append
    odoo.admin.pace(2)
    client.load(*[[f"x.{i}", "1", "1", "1", "1", "n"] for i in range(100)])
    client.call("sale.order/search_count", domain=[])
    assert slept == [pytest.approx(3.1), pytest.approx(0.06)]


def test_the_journal_records_user_method_and_orders(client: Any, odoo: Server) -> None:
    client.load(ROW, ["x.b", "2", "1", "1", "1", "b"])
    [entry] = odoo.admin.calls("sale.order.line", "load")
    assert (entry["user"], entry["rows"], entry["orders"], entry["outcome"]) == (5, 2, [1, 2], "ok")
    assert entry["started"] <= entry["ended"]
    client.call("sale.order/search_count", "no-such-key", domain=[])
    assert odoo.admin.counters()["unauthorized"] == 1


def test_the_controls_are_available_over_http(client: Any) -> None:
    def control(name: str, **arguments: Any) -> Any:
        return client.post(f"/stand-in/{name}", arguments, None)

    assert control("seed", records={"res.partner": [{"id": 70, "name": "New"}]}).body == {"res.partner": [70]}
    assert control("read", model="res.partner", domain=[["id", "=", 70]], fields=["name"]).body == [
        {"id": 70, "name": "New"}
    ]
    assert control("add_key", login="relay", key="another").body == "another"
    assert client.call("sale.order/search_count", "another", domain=[]).body == 2
    assert control("fault", kind="status", status=502).body is True
    assert client.load(ROW).status == 502
    assert control("no_such_control").status == 404
    assert control("fault", kind="no such kind").status == 422
    assert control("fault", nonsense=1).status == 422
    assert "invoice_period" in control("").body["controls"]
    assert client.post("/stand-in/clear_calls", {}, None, Content_Type="text/plain").status == 415


def test_seeding_an_existing_database_again_changes_nothing(odoo: Server) -> None:
    records = {"product.product": [{"id": 7, "name": "API", "lst_price": Decimal("0.01")}]}
    assert odoo.admin.seed(records) == odoo.admin.seed(records) == {"product.product": [7]}
    odoo.admin.write("product.product", [7], {"name": "renamed by hand"})
    odoo.admin.seed(records)
    assert odoo.admin.read("product.product", [["id", "=", 7]], ["name"]) == [{"id": 7, "name": "renamed by hand"}]
