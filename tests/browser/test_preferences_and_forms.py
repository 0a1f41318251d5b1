"""What people choose or fill in: the form of exports, the limits of a source; and an overview in the making."""

import json

from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import Visitor

MARK = b"\xef\xbb\xbf"


def exported(page: Page) -> bytes:
    """Return the file of the first table's export."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").first.click()
    return download.value.path().read_bytes()


def test_the_byte_order_mark_of_exports_is_a_choice_that_is_remembered(visitor: Visitor) -> None:
    page = visitor.sign_in("#/catalog")
    choices = page.get_by_label("for Excel")
    expect(choices).to_have_count(2)
    assert exported(page).startswith(MARK)
    choices.first.uncheck()
    expect(choices.last).not_to_be_checked()
    assert exported(page).startswith(b"Code,")
    page.reload()
    visitor.settle()
    expect(choices.first).not_to_be_checked()
    assert exported(page).startswith(b"Code,")
    choices.last.check()
    assert exported(page).startswith(MARK)


def test_a_source_is_limited_to_subscriptions(visitor: Visitor) -> None:
    visitor.expected.append("422")
    page = visitor.sign_in("#/sources")
    page.get_by_label("Name").fill("One customer")
    field = page.get_by_label("Subscriptions it may use")
    field.fill("4101, no-such-subscription")
    page.get_by_role("button", name="Create the source").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    visitor.check_accessibility()
    field.fill("4101, 4102")
    page.get_by_role("button", name="Create the source").click()
    expect(page.get_by_role("heading", name="One customer")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="4101, 4102")).to_be_visible()


def test_an_overview_is_read_until_all_amounts_are_added_up(visitor: Visitor) -> None:
    page, calls = visitor.page, []

    def respond(route: Route) -> None:
        calls.append(route.request.url)
        response = route.fetch()
        shown = response.json()
        if len(calls) < 3:
            shown |= {"amounts_calculated_at": None, "amounts_progress": {"added_up": 20 * len(calls), "parts": 64}}
        route.fulfill(response=response, body=json.dumps(shown))

    page.route("**/v1/overview", respond)
    visitor.page.goto(f"{visitor.stack.url}/console/#/")
    page.get_by_label("API key").fill(visitor.stack.keys["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Adding up: 20 of 64 parts")).to_be_visible()
    expect(page.get_by_text("Adding up: 40 of 64 parts")).to_be_visible()
    expect(page.get_by_text("Adding up")).to_be_hidden()
    assert len(calls) == 3
    page.unroute_all()
