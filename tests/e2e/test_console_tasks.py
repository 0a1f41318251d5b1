"""What people come to the console for, on what `make run` starts: each task with its effect, as the service has it."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from local.demo.calls import Service, Unexpected
from local.run import Running
from tests.browser.pages import follow_link_of_customer
from tests.browser.visitor import Visitor
from tests.e2e.console_world import CUSTOMER, EXPORTS, PRODUCTS, REPORTS, SUBSCRIPTION, first_days, ratings, record
from tests.e2e.console_world import run_relay_until as relay_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def usd(amount: Any) -> str:
    """Return an amount as the console shows it in English."""
    return f"${Decimal(str(amount)):,.2f}"


def effect_of(page: Page) -> Locator:
    """Ask for what a change changes, and return what is shown."""
    page.get_by_role("button", name="Show what this changes").click()
    return page.get_by_role("region", name="What this changes", exact=True)


def test_the_overview_has_the_amounts_that_the_service_reports(visitor: Visitor) -> None:
    page = visitor.go("#/lines")
    reports: list[Response] = []

    def note(response: Response) -> None:
        if response.url.endswith("/v1/overview"):
            reports.append(response)

    page.on("response", note)
    visitor.go("#/")
    table = page.get_by_role("region", name="By month of the period's end, plan and currency")
    shown, amounts = "", []
    for _ in range(60):  # of a new stack, amounts are counted first: the page looks again until they are there
        shown, amounts = table.inner_text(), reports[-1].json()["amounts"]
        if amounts and all(usd(row["amount"]) in shown for row in amounts):
            break
        page.wait_for_timeout(500)
    else:
        pytest.fail(f"{amounts} were reported, but {shown} is shown")
    page.remove_listener("response", note)
    expect(page.get_by_role("region", name="Changed pairs by hour").get_by_role("row").nth(1)).to_be_visible()


def test_a_customer_is_found_and_opened(visitor: Visitor) -> None:
    page = visitor.go("#/subscriptions")
    page.get_by_label("Search by customer").fill("hudson")
    expect(page.get_by_role("heading", name=re.compile("^1 subscription"))).to_be_visible()
    page.get_by_role("link", name="Hudson Analytics Inc.").click()
    expect(page.get_by_role("heading", name="Hudson Analytics Inc.")).to_be_visible()
    expect(page.get_by_role("img", name="API calls by day")).to_be_visible()
    expect(page.get_by_text("$35.50", exact=True).first).to_be_visible()


def test_a_hostile_name_is_shown_and_runs_nothing(visitor: Visitor) -> None:
    page = visitor.go(f"#/subscription/{SUBSCRIPTION}")
    expect(page.get_by_role("heading", level=1)).to_have_text(CUSTOMER)
    assert page.locator("main b[onclick]").count() == 0


def test_an_order_line_stands_beside_what_odoo_has(visitor: Visitor, running: Running) -> None:
    domain = [["order_id", "=", 4102], ["product_id", "=", 701]]
    [line] = running.odoo.control("read", model="sale.order.line", domain=domain)
    page = visitor.go("#/subscription/4102?tab=lines")
    row = page.get_by_role("row").filter(has_text="API calls").filter(has_text=str(line["id"]))
    expect(row.get_by_text(usd(line["price_subtotal"]), exact=True)).to_have_count(2)
    expect(row).to_contain_text("none")
    page.get_by_role("button", name="Compare with Odoo now").click()
    expect(page.get_by_text("Odoo has every line as it was rated.")).to_be_visible()


def test_an_amount_is_explained_down_to_the_revision_of_a_record(visitor: Visitor) -> None:
    page = visitor.go("#/subscription/4102?tab=ratings")
    page.get_by_role("row").filter(has_text="$35.50").get_by_role("link", name="Why?").click()
    expect(page.get_by_role("heading", name="Why $35.50 for API calls?")).to_be_visible()
    expect(page.get_by_text("up to 5,000 $0.006 each")).to_be_visible()
    page.get_by_role("searchbox", name="Filter").first.fill("demo:4102:api_calls:10")
    corrected = page.get_by_role("row").filter(has_text="demo:4102:api_calls:10")
    corrected.get_by_text("2", exact=True).click()
    expect(corrected.get_by_text(re.compile(r"\b25\b")).first).to_be_visible()
    visitor.check_accessibility()


def test_late_usage_leads_to_its_explanation(visitor: Visitor) -> None:
    page = visitor.go("#/adjustments")
    row = page.get_by_role("row").filter(has_text=CUSTOMER)
    expect(row).to_contain_text("$8.00")
    row.get_by_role("link", name="Why?").click()
    expect(page.get_by_text("was invoiced at $0.00")).to_be_visible()


def test_a_record_is_corrected_after_a_preview(visitor: Visitor, running: Running) -> None:
    key = record("api_calls", first_days(running)[0], "")["idempotency_key"]
    page = visitor.go(f"#/correct?subscription={SUBSCRIPTION}&metric=api_calls")
    page.get_by_role("link", name=key).click()
    page.get_by_label("Right quantity").fill("650")
    page.get_by_label("Reason").fill("Counted too little")
    effect = effect_of(page)
    expect(effect).to_contain_text("$4.00")
    expect(effect).to_contain_text("$5.00")
    visitor.check_accessibility()
    page.get_by_role("button", name="Correct the record").click()
    expect(page.get_by_text("The record was corrected to 650; this is revision 2.")).to_be_visible()
    stored = running.service.call("GET", f"/v1/usage/{key}")
    assert (stored["quantity"], stored["revision"]) == ("650", 2)


def test_a_record_is_voided_with_a_reason(visitor: Visitor, running: Running) -> None:
    key = record(EXPORTS, first_days(running)[1], "")["idempotency_key"]
    page = visitor.go(f"#/correct?subscription={SUBSCRIPTION}&metric={EXPORTS}")
    page.get_by_role("link", name=key).click()
    page.get_by_label("Change", exact=True).select_option("void")
    page.get_by_label("Reason").fill("Test traffic")
    effect = effect_of(page)
    expect(effect).to_contain_text("$475.00")
    expect(effect).to_contain_text("$375.00")
    page.get_by_role("button", name="Void the record").click()
    expect(page.get_by_text("The record was voided: it no longer counts.")).to_be_visible()
    assert running.service.call("GET", f"/v1/usage/{key}")["voided"]


def test_a_failed_line_is_retried_once_its_cause_is_removed(visitor: Visitor, running: Running) -> None:
    page = visitor.go("#/lines")
    row = page.get_by_role("row").filter(has_text=EXPORTS)
    expect(row).to_contain_text(str(PRODUCTS[EXPORTS]))
    product = {"id": PRODUCTS[EXPORTS], "name": "Exports", "lst_price": 1}
    running.odoo.control("seed", records={"product.product": [product]})
    row.get_by_role("button", name=f"Retry {EXPORTS} of {SUBSCRIPTION}").click()
    expect(page.get_by_text("is sent again now")).to_be_visible()

    def line() -> Any:
        return next(rating["line"] for rating in ratings(running) if rating["charge"] == EXPORTS)

    relay_until(running, lambda: line()["odoo_line_id"] is not None)
    visitor.go(f"#/subscription/{SUBSCRIPTION}?tab=lines")
    expect(page.get_by_role("row").filter(has_text=str(line()["odoo_line_id"]))).to_contain_text(usd(line()["amount"]))


def test_an_example_event_arrives(visitor: Visitor, running: Running) -> None:
    page = visitor.go(f"#/webhooks/{running.endpoint}")
    page.get_by_label("Event type").select_option("line.failed")
    page.get_by_role("button", name="Send the example").click()
    text = page.get_by_text(re.compile("The example is on its way as msg_")).inner_text()
    id_ = re.findall(r"msg_\w+", text)[0]
    relay_until(running, lambda: id_ in {message.id for message in running.receiver.received()})


def test_a_delivery_is_sent_again(visitor: Visitor, running: Running) -> None:
    page = visitor.go(f"#/webhooks/{running.endpoint}?state=delivered")
    with page.expect_response(re.compile("/v1/deliveries/[^/]+/replay")) as awaited:
        page.get_by_role("row").get_by_role("button", name="Send again").first.click()
    assert awaited.value.status < 300
    id_ = awaited.value.url.split("/")[-2]

    def attempts() -> int:
        found = running.service.call("GET", f"/v1/endpoints/{running.endpoint}/deliveries?limit=200")["items"]
        return next((len(delivery["attempts"]) for delivery in found if delivery["id"] == id_), 0)

    relay_until(running, lambda: attempts() == 2)


def test_a_price_is_changed_after_its_estimate_and_dry_run(visitor: Visitor, running: Running) -> None:
    page = visitor.go(f"#/catalog/charges/{REPORTS}")
    page.get_by_label("Price of a unit").fill("0.30")
    expect(page.get_by_role("region", name="Estimate")).to_contain_text("$2,970.00")  # (10,000 - 100) x 0.30
    changes = effect_of(page)
    expect(changes).to_contain_text("It changes model.")
    row = changes.get_by_role("row").filter(has_text=SUBSCRIPTION)
    expect(row).to_contain_text("$475.00")  # (5 x 400 - 100) x 0.25
    expect(row).to_contain_text("$570.00")
    visitor.check_accessibility()
    changes.get_by_label("Reason").fill("New price list")
    changes.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. The next rating uses it.")).to_be_visible()
    assert running.service.call("GET", f"/v1/charges/{REPORTS}")["model"]["unit_amount"] == "0.3"
    visitor.go(f"#/audit?object=charges/{REPORTS}")
    expect(page.get_by_role("row").filter(has_text="New price list")).to_contain_text(f"charges/{REPORTS}")


@pytest.fixture
def pushed_with(running: Running) -> Callable[[str], str]:
    """What pushes a record with a key, and returns its outcome, or the code of the refusal."""

    def push(key: str) -> str:
        day = first_days(running)[0]
        usage = record("api_calls", day, "0") | {"subscription": "4104", "idempotency_key": "tests:new-key"}
        service = Service(running.cloud.base_url, key)
        try:
            return str(service.call("POST", "/v1/usage", {"records": [usage]})["results"][0]["outcome"])
        except Unexpected as refused:
            return str(re.findall(r'"code":"(\w+)"', str(refused))[0])

    return push


def test_a_new_key_of_a_new_source_works_until_it_is_revoked(
    visitor: Visitor, pushed_with: Callable[[str], str]
) -> None:
    page = visitor.go("#/sources")
    page.get_by_label("Name").fill("A new app")
    page.get_by_role("button", name="Create the source").click()
    expect(page.get_by_role("heading", name="A new app")).to_be_visible()
    address = page.evaluate("() => location.hash")
    page.get_by_label("usage:write").check()
    page.get_by_role("button", name="Create the key").click()
    key = page.get_by_text(re.compile(r"^fb_[a-z0-9]+_\S+$")).inner_text()
    visitor.check_accessibility()
    assert pushed_with(key) == "created"
    visitor.go("#/correct?subscription=4104&metric=api_calls")
    expect(page.get_by_role("row").filter(has_text="tests:new-key")).to_contain_text("A new app")
    visitor.go(address)
    page.get_by_role("button", name="Revoke", exact=True).click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("This source has no live key.")).to_be_visible()
    assert pushed_with(key) == "revoked_key"
    visitor.go("#/audit")
    row = page.get_by_role("row").filter(has_text=f"sources/{address.split('/')[-1]}")
    expect(row.first).to_contain_text("done")


def test_a_customer_gets_a_link_to_the_portal(visitor: Visitor) -> None:
    visitor.go("#/subscription/4101")
    follow_link_of_customer(visitor).close()
