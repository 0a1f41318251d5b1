"""Keys, users, rights: who may see and do what, and what the others are told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.odoo.server import Server, serve

pytestmark = pytest.mark.integration

COUNT = "sale.order/search_count"


def test_a_key_works_until_it_expires(tmp_path: Path, client_of: Any) -> None:
    now = [datetime(2026, 11, 1, 12, tzinfo=UTC)]
    with serve(tmp_path / "odoo.sqlite", database="h4", clock=lambda: now[0]) as server:
        client = client_of(server)
        server.admin.add_user("relay", "all_documents")
        server.admin.add_key("relay", "k", expires="2026-11-02 12:00:00")
        assert client.call(COUNT, "k", domain=[]).status == 200
        read = client.call("res.users.apikeys/search_read", "k", domain=[], fields=["expiration_date"])
        assert [key["expiration_date"] for key in read.body] == ["2026-11-02 12:00:00"]
        now[0] += timedelta(days=1)
        answer = client.call(COUNT, "k", domain=[])
        assert (answer.status, answer.body["message"]) == (401, "Invalid apikey")


def test_two_keys_work_side_by_side_until_one_is_revoked_or_expired(client: Any, odoo: Server) -> None:
    for key in ("one", "two", "three"):
        odoo.admin.add_key("relay", key)
    odoo.admin.revoke_key("one")
    odoo.admin.expire_key("two")
    assert [client.call(COUNT, key, domain=[]).status for key in ("one", "two", "three")] == [401, 401, 200]


def test_an_archived_user_s_key_is_refused(client: Any, odoo: Server) -> None:
    odoo.admin.archive_user("relay")
    answer = client.call(COUNT, domain=[])
    assert (answer.status, answer.body["name"]) == (401, "werkzeug.exceptions.Unauthorized")


def test_a_user_sees_her_own_keys_only_and_no_key_s_text(client: Any) -> None:
    mine = client.call("res.users.apikeys/search_read", domain=[]).body
    assert [key["user_id"][0] for key in mine] == [5]
    assert not any("digest" in key or "key-relay" in str(key) for key in mine)
    everyone = client.call("res.users.apikeys/search_read", "key-admin", domain=[]).body
    assert len(everyone) == 4


@pytest.mark.parametrize(
    ("key", "all_documents", "salesman"),
    [
        ("key-admin", True, True),
        ("key-relay", True, True),
        ("key-own", False, True),
        ("key-nosale", False, False),
    ],
)
def test_has_group_counts_implied_groups(client: Any, key: str, all_documents: bool, salesman: bool) -> None:
    user = client.call("res.users/context_get", key).body["uid"]
    for group, expected in (
        ("sales_team.group_sale_salesman_all_leads", all_documents),
        ("sales_team.group_sale_salesman", salesman),
    ):
        assert client.call("res.users/has_group", key, ids=[user], group_ext_id=group).body is expected


def test_searches_of_an_own_documents_user_find_her_own_orders(client: Any, odoo: Server) -> None:
    assert client.call("sale.order.line/search_read", "key-own", domain=[]).body == []
    odoo.admin.write("sale.order", [2], {"user_id": 6})
    found = client.call("sale.order/search_read", "key-own", domain=[], fields=["name"]).body
    assert found == [{"id": 2, "name": "S00002"}]
    assert client.call("sale.order/read", "key-own", ids=[1], fields=["name"]).status == 403


def test_has_access_agrees_with_the_call_itself(client: Any) -> None:
    def may(key: str, operation: str) -> Any:
        return client.call("sale.order.line/has_access", key, operation=operation).body

    assert [may("key-relay", o) for o in ("read", "write", "create", "unlink")] == [True] * 4
    assert [may("key-nosale", o) for o in ("read", "write", "create", "unlink")] == [False] * 4


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("decimal.precision/search_read", {"domain": [], "fields": ["name", "digits"]}),
        ("res.company/search_read", {"domain": [], "fields": ["name", "partner_id", "currency_id"]}),
        ("res.currency/search_read", {"domain": [["name", "=", "USD"]], "fields": ["rounding"]}),
        ("res.partner/search_read", {"domain": [], "fields": ["tz", "lang"]}),
        ("product.product/search_read", {"domain": [["id", "in", [1]]], "fields": ["name", "active"]}),
        ("sale.subscription.plan/search_read", {"domain": [], "fields": ["billing_period_unit"]}),
        ("sale.order/fields_get", {"allfields": ["next_invoice_date"]}),
        ("sale.order.line/get_metadata", {"ids": [1]}),
    ],
)
def test_the_all_documents_user_reads_what_the_service_needs(
    client: Any, target: str, arguments: dict[str, Any]
) -> None:
    answer = client.call(target, **arguments)
    assert answer.status == 200
    if "currency" in target:
        assert [row["rounding"] for row in answer.body] == [Decimal("0.01")]


def test_salespeople_read_external_ids_only_with_the_record(client: Any) -> None:
    assert client.call("ir.model.data/search_read", domain=[]).status == 403
    [line] = client.load(["fusion_billing.x--y", "1", "1", "1", "1", "x"]).body["ids"]
    [told] = client.call("sale.order.line/get_metadata", ids=[line]).body
    assert told["xmlid"] == "fusion_billing.x--y"
    assert told["xmlids"] == [{"xmlid": "fusion_billing.x--y", "noupdate": False}]
    assert told["create_uid"][0] == 5


def test_methods_that_are_not_meant_for_it_can_t_be_called(client: Any) -> None:
    for method in ("sudo", "env", "insert", "record", "value", "check", "rounding", "post"):
        assert client.call(f"sale.order/{method}", ids=[1]).status == 404


def test_what_is_stored_survives_stopping_and_starting(tmp_path: Path, client_of: Any) -> None:
    path = tmp_path / "odoo.sqlite"
    with serve(path, database="h4") as server:
        server.admin.add_user("relay", "all_documents")
        server.admin.add_key("relay", "k")
        server.admin.seed({"res.partner": [{"id": 9, "name": "Kept", "tz": "Europe/Vienna"}]})
        [order] = client_of(server).call("sale.order/create", "k", vals_list=[{"partner_id": 9}]).body
    with serve(path, database="h4") as server:
        client = client_of(server)
        read = client.call("sale.order/read", "k", ids=[order], fields=["name", "partner_id"])
        assert read.body == [{"id": order, "name": f"S{order:05d}", "partner_id": [9, "Kept"]}]
        [second] = client.call("sale.order/create", "k", vals_list=[{"partner_id": 9}]).body
        assert second == order + 1


def test_a_call_that_fails_leaves_nothing_behind(client: Any, odoo: Server) -> None:
    answer = client.call(
        "sale.order/write",
        ids=[2],
        vals={"order_line": [[0, 0, {"product_id": 1}], [1, 999999, {"product_uom_qty": 1}]]},
    )
    assert answer.status == 404
    assert [line["id"] for line in odoo.admin.read("sale.order.line", [["order_id", "=", 2]])] == [2]


def test_each_call_closes_its_connection(client: Any) -> None:
    assert client.call(COUNT, domain=[]).headers["Connection"] == "close"
