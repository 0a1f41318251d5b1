"""Each screen on what `make run` starts, on a desktop and on a phone: accessible, fits, logs no error, has its picture.

The portal, the element for other sites and the API reference are here, too.
"""

import pytest
from playwright.sync_api import Route, expect

from local.run import EMBEDDING_ORIGIN, Running
from tests.browser.pages import check_reference, open_portal
from tests.browser.screens import SCREENS, address_of, check_screen
from tests.browser.visitor import SIZES, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

USED = "2,824 calls used of 1,000 included."
"""What the portal says of the API calls of the demo's first subscription."""


@pytest.mark.parametrize("visitor", SIZES, indirect=True)
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_accessible_and_fits(visitor: Visitor, name: str) -> None:
    visitor.go(address_of(name, visitor))
    check_screen(visitor, f"{name}-{visitor.size}")


@pytest.mark.parametrize("stranger", SIZES, indirect=True)
def test_a_customer_sees_what_is_used_and_why(stranger: Visitor) -> None:
    page = stranger.page
    open_portal(stranger)
    expect(page.get_by_text(USED)).to_be_visible()
    page.get_by_text("Why $7.30 for API calls?").click()
    expect(page.get_by_text("1,824 calls at $0.004 each")).to_be_visible()
    stranger.check_page(f"portal-{stranger.size}")


def test_a_page_of_another_site_embeds_the_element(stranger: Visitor) -> None:
    stack = stranger.stack
    content = (
        '<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">'
        f'<script src="{stack.url}/portal/fusion-usage.js" defer></script></head><body><main><h1>My account</h1>'
        f'<fusion-usage token="{stack.portal_token}"></fusion-usage></main></body></html>'
    )

    def respond(route: Route) -> None:
        route.fulfill(body=content, content_type="text/html")

    stranger.page.route(f"{EMBEDDING_ORIGIN}/account", respond)
    stranger.page.goto(f"{EMBEDDING_ORIGIN}/account")
    expect(stranger.page.get_by_text(USED)).to_be_visible()
    stranger.check_accessibility()


@pytest.mark.parametrize("stranger", SIZES, indirect=True)
def test_the_reference_shows_every_operation_and_schema(stranger: Visitor) -> None:
    check_reference(stranger)


def test_the_key_that_is_printed_signs_in_where_it_is_printed(stranger: Visitor, running: Running) -> None:
    page = stranger.sign_in("#/subscriptions")
    expect(page.get_by_role("link", name="Nordlicht GmbH")).to_be_visible()
    assert running.key not in page.content()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()
    assert stranger.context.cookies() == []
