"""`python -m fusion_billing.odoo.check` against the stand-in: plain words, and nothing changed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.catalog.definitions import CatalogStore
from fusion_billing.odoo.check import command

pytestmark = pytest.mark.integration

Look = Callable[..., tuple[int, str]]


@pytest.fixture
def look(world: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Look:
    """Run the command with a key; return its status and what it printed."""
    world.admin.write("res.partner", [1], {"tz": "Europe/Brussels"})

    def run(*arguments: str, key: str = "relay-key", url: str = "") -> tuple[int, str]:
        monkeypatch.setenv("ODOO_API_KEY", key)
        base = ["--url", url or world.server.url, "--database", "demo"]
        status = command.main([*base, *arguments])
        return status, capsys.readouterr().out

    return run


def test_a_check_without_findings_reports_success(world: Any, look: Look) -> None:
    world.orders(41)
    status, told = look("--product", "7")
    assert status == 0, told
    assert "bills in Europe/Brussels" in told
    assert "Quantities are stored with 2 digits" in told
    assert "All 1 subscriptions in progress can be read" in told
    assert told.endswith("Everything is set up correctly.\n")


def test_nothing_is_created_or_changed(world: Any, look: Look) -> None:
    world.orders(41)
    world.admin.clear_calls()
    look("--product", "7")
    reading = {"search_read", "fields_get", "context_get", "has_group", "has_access", "get_metadata"}
    assert {call["method"] for call in world.admin.calls()} <= reading
    assert world.in_odoo(41) == []


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("wrong-key", 2, "Create an API key"),
        ("own-key", 1, "All Documents"),
        ("nobody-key", 1, "All Documents"),
    ],
)
def test_missing_rights_of_a_key_are_reported_with_a_remedy(
    world: Any, look: Look, key: str, status: int, words: str
) -> None:
    world.orders(41)
    told = look(key=key)
    assert told[0] == status, told[1]
    assert words in told[1].partition("What to do:")[2]
    assert key not in told[1]


def test_own_documents_only_is_found_even_if_some_orders_are_visible(world: Any, look: Look) -> None:
    own = world.admin.read("res.users", [["login", "=", "own"]], ["id"])[0]["id"]
    world.orders(41, user_id=own)
    status, told = look(key="own-key")
    assert status == 1
    assert "sees only its own sales orders" in told


def test_the_other_checks_continue_after_one_is_denied(world: Any, look: Look) -> None:
    world.orders(41)
    _, told = look("--product", "7", key="nobody-key")
    assert "Subscriptions could not be checked: You are not allowed to access" in told
    assert "The product API calls overage can be billed" in told
    assert "Contact your administrator" not in told


@pytest.mark.parametrize(
    ("digits", "status", "words"),
    [
        ((0, None), 0, "Quantities are stored with 0 digits, so fractional units are billed as quantity 1"),
        ((2, 3), 0, "so prices with more are billed as quantity 1 at the amount"),
        ((2, 1), 1, "Prices are rounded to 1 digits, and amounts in USD have more"),
    ],
)
def test_a_precision_too_low_for_amounts_or_units_is_reported(
    world: Any, look: Look, digits: tuple[int, int | None], status: int, words: str
) -> None:
    world.orders(41)
    world.admin.set_precision("Product Unit", digits[0])
    world.admin.set_digits("sale.order.line.price_unit", digits[1])
    told = look("--product", "7")
    assert told[0] == status, told[1]
    assert words in told[1]
    assert "raise the precision" in told[1].partition("What to do:")[2].lower()


def test_an_odoo_without_subscriptions_is_distinguished_from_one_without_rights(
    world: Any, look: Look, without_subscriptions: Callable[[], None]
) -> None:
    world.orders(41)
    without_subscriptions()
    status, told = look("--product", "7")
    assert status == 0, told
    assert "Subscriptions (sale_subscription) is not installed" in told
    assert "Save subscriptions with the API" in told.partition("What to do:")[2]


def test_a_missing_key_and_invalid_ids_are_reported_with_the_setting(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(key="") == (2, "Set ODOO_API_KEY to an API key of the API user.\n")
    status, told = look(key="{")
    assert status == 2
    assert "Set ODOO_API_KEY" in told
    monkeypatch.setenv("ODOO_PRODUCTS", "7,x")
    with pytest.raises(SystemExit) as stopped:
        look()
    assert stopped.value.code == 2


def test_an_odoo_that_does_not_respond_is_reported_as_unreachable(world: Any, look: Look) -> None:
    world.admin.fault("status", status=503)
    status, told = look()
    assert status == 2
    assert "Try again in a moment" in told


def test_a_wrong_database_and_an_unreachable_address_are_distinguished(world: Any, look: Look) -> None:
    status, told = look("--database", "nope")
    assert status == 2
    assert "Set ODOO_DATABASE" in told
    status, told = look(url="http://127.0.0.1:9")
    assert status == 2
    assert "Check that Odoo is running" in told


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"active": False}, "is archived"),
        ({"sale_ok": False}, "can't be sold"),
        ({"recurring_invoice": True}, "not recurring"),
        ({"service_tracking": "task_global_project"}, "creates a project or task"),
        ({"type": "consu", "invoice_policy": "delivery"}, "is of the type consu"),
        ({"type": "combo"}, "is a combo: its own line has no price"),
        ({"company_id": 2}, "belongs to Other only, but My Company has orders"),
        ({"taxes_id": [9]}, "is computed by code"),
    ],
)
def test_a_product_that_would_never_be_billed_right_is_named(
    world: Any, look: Look, values: dict[str, Any], words: str
) -> None:
    world.orders(41)
    world.admin.seed({"res.company": [{"id": 2, "name": "Other", "partner_id": 1, "currency_id": 1}]})
    world.admin.seed({"account.tax": [{"id": 9, "name": "By code", "amount_type": "code"}]})
    world.admin.write("product.product", [7], values)
    status, told = look("--product", "7")
    assert status == 1, told
    assert "API calls overage" in told
    assert words in told


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"invoice_policy": "delivery"},
            "is invoiced by delivered quantities: they are written with each line",
        ),
        ({"type": "consu"}, "with Inventory, each line creates a delivery"),
        ({"taxes_id": [7]}, "has taxes that its price includes (20% incl)"),
    ],
)
def test_what_is_handled_but_worth_a_look_is_named_too(
    world: Any, look: Look, values: dict[str, Any], words: str
) -> None:
    world.orders(41)
    taxes = [{"id": 7, "name": "20% incl", "amount": 20, "price_include_override": "tax_included"}]
    world.admin.seed({"account.tax": taxes})
    world.admin.write("product.product", [7], values)
    status, told = look("--product", "7")
    assert status == 0, told
    assert "WARNING" in told
    assert words in told


def test_the_checks_of_a_product_are_reported_in_one_line(world: Any, look: Look) -> None:
    world.orders(41)
    _, told = look("--product", "7")
    assert (
        "The product API calls overage can be billed: service, tracking no, ordered quantities, 0 taxes, "
        "any company, list price 0.01" in told
    )
    assert "The API user sees the orders of 1 companies: My Company" in told
    assert "My Company rounds globally" in told
    assert "Invoices can be read" in told
    assert "Renewals and upsells name their parent and their first contract" in told


def test_unreadable_invoices_are_reported(world: Any, look: Look) -> None:
    world.orders(41)
    world.admin.close_model("account.move.line")
    status, told = look("--product", "7")
    assert status == 0, told
    assert "Invoices can't be read, so the invoiced quantity of the order line is used instead" in told


def charge(code: str, product: int, **changes: Any) -> Charge:
    document = {
        "name": code,
        "metric": "api_calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": product,
        "model": {"type": "per_unit", "unit_amount": "0.004"},
        **changes,
    }
    return parse(Charge, document, code=code)


def test_the_products_of_all_charges_are_looked_at_by_themselves(
    world: Any, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.orders(41)
    store = CatalogStore(world.dynamodb, world.tables.catalog)
    metric = {"name": "API calls", "aggregation": "sum"}
    store.put_metric(parse(Metric, metric, code="api_calls"), None)
    for one in (charge("api", 7), charge("old", 98, active=False), charge("gone", 99)):
        store.put_charge([one], None)
    monkeypatch.setattr(client, "dynamodb", lambda: world.dynamodb)
    status, told = look("--catalog-table", world.tables.catalog)
    assert status == 1
    assert "3 charges use 2 products" in told
    assert "The product API calls overage (charge api) can be billed" in told
    assert "Product 99 does not exist (charge gone)" in told
    assert "Product 98" not in told
    assert "charge old" not in told
    status, told = look("--catalog-table", "no-such-table")
    assert (status, "The charges could not be read" in told) == (1, True)


def test_the_write_test_sends_a_line_through_all_it_would_meet_and_cleans_up(world: Any, look: Look) -> None:
    world.orders(41)
    for _ in range(2):
        status, told = look("--product", "7", "--product", "8", "--write-test")
        assert status == 0, told
        assert "A line of product 7 was created, changed, corrected and set to 0" in told
        assert "A line of product 8 was created" in told
        assert "of the write test was emptied and cancelled" in told
    orders = world.admin.read("sale.order", [["client_order_ref", "!=", False]], ["state", "order_line"])
    assert [(order["state"], order["order_line"]) for order in orders] == [("cancel", [])]


def test_the_write_test_reports_why_a_line_would_fail(world: Any, look: Look) -> None:
    world.orders(41)
    world.admin.set_digits("sale.order.line.product_uom_qty", 0)
    world.admin.set_digits("sale.order.line.price_unit", 0)
    status, told = look("--product", "7", "--write-test")
    assert status == 1
    assert "A line of product 7 could not be changed: Odoo can't store this amount" in told
    assert "was emptied and cancelled" in told
    world.admin.set_digits("sale.order.line.price_unit", None)
    world.admin.write("product.product", [7], {"service_tracking": "project_only"})
    world.admin.clear_calls()
    status, told = look("--product", "7", "--write-test")
    assert status == 1
    assert world.loads() == 0


def test_what_can_t_be_billed_is_named(world: Any, look: Look) -> None:
    world.orders(41, next_invoice_date=None)
    world.orders(42)
    world.admin.write("res.partner", [1], {"tz": "Mars/Olympus"})
    status, told = look("--product", "99")
    assert status == 1
    assert "S00041 (timezone, next_invoice_date)" in told or "S00041" in told
    assert "Product 99 does not exist" in told
    assert "time zone Mars/Olympus, which is unknown" in told


@pytest.mark.parametrize(("rounding", "status"), [("0.01", 0), ("0.05", 1), ("0.1", 1), ("0.001", 1), ("1", 1)])
def test_a_currency_that_odoo_rounds_otherwise_is_named(world: Any, look: Look, rounding: str, status: int) -> None:
    world.orders(41)
    world.admin.seed({"res.currency": [{"id": 90, "name": "CHF", "rounding": Decimal(rounding)}]})
    told = look("--product", "7")
    assert told[0] == status, told[1]
    assert (f"CHF is rounded to {rounding} in Odoo" in told[1]) is (status == 1)


def test_a_company_without_a_sales_journal_is_named(world: Any, look: Look) -> None:
    world.orders(41)
    assert "sales journal" not in look("--product", "7")[1]
    world.admin.seed({"res.company": [{"id": 2, "name": "Other", "partner_id": 1, "currency_id": 1}]})
    world.admin.write("account.journal", [1], {"company_id": 2})
    status, told = look("--product", "7")
    assert status == 1
    assert "ERROR   My Company has no sales journal" in told
    assert "Add a journal of the type Sales to My Company" in told.partition("What to do:")[2]
    world.admin.write("account.journal", [1], {"company_id": 1})
    status, told = look("--product", "7")
    assert status == 0, "it has no orders"
    assert "WARNING Other has no sales journal" in told


@pytest.mark.parametrize(("taxes", "words"), [([4], "which maps taxes"), ([], "which has no taxes")])
def test_a_fiscal_position_of_subscriptions_is_named(
    world: Any, look: Look, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, *, taxes: list[int], words: str
) -> None:
    world.admin.seed(
        {
            "account.fiscal.position": [{"id": 4, "name": "Reduced"}],
            "account.tax": [{"id": 8, "name": "7%", "amount": Decimal(7), "fiscal_position_ids": taxes}],
        }
    )
    world.orders(41, 42, fiscal_position_id=4)
    status, told = look("--product", "7")
    assert status == 0, told
    assert f"ok      2 orders have the fiscal position Reduced, {words}" in told
    charge = {
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "tax_behavior": "inclusive",
        "model": {"type": "per_unit", "unit_amount": "0.10"},
    }
    catalog = CatalogStore(dynamodb, world.tables.catalog)
    catalog.put_metric(
        parse(Metric, {"name": "API calls", "aggregation": "sum", "unit": "call"}, code="api_calls"), None
    )
    catalog.put_charge([parse(Charge, charge, code="calls")], None)
    monkeypatch.setattr(client, "dynamodb", lambda: dynamodb)
    status, told = look("--catalog-table", world.tables.catalog)
    assert status == 0, told
    assert f"WARNING 2 orders have the fiscal position Reduced, {words}" in told


def test_running_subscriptions_that_are_locked_are_named(world: Any, look: Look) -> None:
    world.orders(41)
    world.orders(42, locked=True)
    world.orders(43, locked=True, subscription_state="5_renewed")
    status, told = look("--product", "7")
    assert status == 1, told
    assert "1 running subscriptions are locked: S00042" in told
    assert "Unlock" in told.partition("What to do:")[2]


def test_a_setting_that_locks_orders_is_named(
    world: Any, look: Look, without_subscriptions: Callable[[], None]
) -> None:
    world.orders(41)
    world.admin.lock_confirmed_orders()
    status, told = look("--product", "7")
    assert status == 0, told
    assert "Orders are locked when they are confirmed" in told
    without_subscriptions()
    assert look("--product", "7")[0] == 1


def test_the_write_test_unlocks_its_own_order(world: Any, look: Look) -> None:
    world.orders(41)
    world.admin.lock_confirmed_orders()
    for _ in range(2):
        status, told = look("--product", "7", "--write-test")
        assert status == 0, told
        assert "emptied and cancelled" in told


def test_the_write_test_runs_only_on_request(world: Any, look: Look) -> None:
    world.orders(41)
    world.orders(42, locked=True, subscription_state="6_churn")
    status, told = look("--product", "7", "--try-on", "41")
    assert status == 0, told
    [row] = world.in_odoo(41)
    assert row["product_uom_qty"] == 0
    status, told = look("--product", "7", "--try-on", "42")
    assert status == 1
    assert "No line can be added to order 42: the order" in told
    assert world.in_odoo(42) == []


@pytest.mark.parametrize("world", ["17.0", "18.0", "19.0"], indirect=True)
@pytest.mark.parametrize("protocol", ["jsonrpc", "xmlrpc"])
def test_the_older_protocols_are_looked_over_too(world: Any, look: Look, protocol: str) -> None:
    world.orders(41)
    status, told = look("--product", "7", "--protocol", protocol, "--login", "relay")
    assert status == 0, told
    status, told = look("--protocol", protocol)
    assert status == 2
    assert "ODOO_LOGIN" in told
