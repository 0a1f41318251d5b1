"""Overview, customers, and one subscription."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.browser.world import HOSTILE


def test_a_customer_is_found_and_opened(visitor: Visitor) -> None:
    page = visitor.sign_in("#/subscriptions")
    page.get_by_label("Search by customer").fill("hudson")
    expect(page.get_by_role("heading", name="1 subscription", exact=True)).to_be_visible()
    page.get_by_role("link", name="Hudson Analytics Inc.").click()
    expect(page.get_by_role("heading", name="Hudson Analytics Inc.")).to_be_visible()
    expect(page.get_by_role("img", name="API calls by day")).to_be_visible()
    expect(page.get_by_text("$27.33", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Search by customer")).to_have_value("hudson")


def test_a_hostile_name_is_shown_and_runs_nothing(visitor: Visitor) -> None:
    page = visitor.sign_in("#/subscription/4103")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert page.title() != "owned"
    assert page.locator("main img").count() == 0


def test_dates_are_in_the_zone_of_the_subscription_and_amounts_in_the_locale(
    visitor_of: Callable[..., Visitor],
) -> None:
    page = visitor_of(locale="de-DE", timezone_id="Asia/Tokyo").sign_in("#/subscription/4102")
    expect(page.get_by_role("heading", name=re.compile(r"15\. Nov\..+14\. Dez\. 2026"))).to_be_visible()
    expect(page.get_by_text("27,33\xa0$", exact=True)).to_be_visible()


def test_a_plot_has_a_table_that_sorts_and_exports(visitor: Visitor) -> None:
    page = visitor.sign_in("#/subscription/4102")
    page.get_by_text("Show “API calls by day” as a table").click()
    table = page.locator("details[open]").first
    table.get_by_role("button", name="Day").click()
    expect(table.locator("tbody tr").first).to_contain_text("Nov 15, 2026")
    with page.expect_download() as download:
        table.get_by_role("button", name="Export CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "Day,eu (calls),us (calls)"
    assert text.splitlines()[1].startswith("2026-11-15,")


def test_order_lines_stand_beside_odoos(visitor: Visitor) -> None:
    page = visitor.sign_in("#/subscription/4101?tab=lines")
    row = page.get_by_role("row").filter(has_text="adjustment")
    expect(row).to_contain_text("€4.73")
    page.get_by_role("button", name="Compare with Odoo now").click()
    expect(page.get_by_text("Odoo has every line as it was rated.")).to_be_visible()


def test_the_overview_has_the_amounts_of_open_periods_and_what_needs_attention(visitor: Visitor) -> None:
    page = visitor.sign_in("#/")
    expect(page.get_by_role("listitem").filter(has_text="Open periods that end by next month, EUR")).to_contain_text(
        "€9.73"
    )
    table = page.get_by_role("region", name="By month of the period's end, plan and currency")
    expect(table.get_by_role("row").filter(has_text="open").filter(has_text="€9.73")).to_contain_text("Pro")
    expect(page.get_by_role("link", name="api_calls of 4103 can't be rated: charge api_calls_scale")).to_be_visible()
    hours = page.get_by_role("region", name="Changed pairs by hour")
    expect(hours.get_by_role("row").nth(1)).to_be_visible()
    page.get_by_role("link", name="1 order line failed").click()
    expect(page.get_by_role("heading", name="Order lines")).to_be_visible()
