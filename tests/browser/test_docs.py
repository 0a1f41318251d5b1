"""The API reference: every operation of the document, reached by links, by the keyboard and by a filter."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.pages import check_reference, lay_out_reference
from tests.browser.visitor import Visitor


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_operation_and_schema_is_shown(visitor_of: Callable[..., Visitor], size: str) -> None:
    visitor = visitor_of(size=size, color_scheme="dark" if size == "phone" else "light")
    check_reference(visitor)
    lay_out_reference(visitor)
    visitor.check_accessibility()
    visitor.check_width()


def test_a_deep_link_shows_its_operation_with_a_curl_command(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.stack.url}/docs#post_usage")
    operation = page.locator("#post_usage")
    expect(operation).to_be_focused()
    expect(operation.get_by_role("region", name="Request post_usage")).to_contain_text(
        f"curl -X POST '{visitor.stack.url}/v1/usage'"
    )
    operation.get_by_role("link", name="Push", exact=True).click()
    expect(page.locator("#schema-Push")).to_be_focused()


def test_the_keyboard_finds_an_operation(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.stack.url}/docs")
    expect(page.locator("#post_estimates")).to_be_attached()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Filter")).to_be_focused()
    page.keyboard.type("post estimates")
    entry = page.get_by_role("navigation").get_by_role("listitem")
    expect(entry).to_have_count(1)
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#post_estimates")).to_be_focused()
    assert page.url.endswith("#post_estimates")


def test_a_reference_that_can_not_be_loaded_says_so(visitor: Visitor) -> None:
    visitor.expected.append("ERR_FAILED")
    page = visitor.page
    page.route("**/openapi.json", lambda route: route.abort())
    page.goto(f"{visitor.stack.url}/docs")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.unroute("**/openapi.json")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#post_usage")).to_be_attached()
