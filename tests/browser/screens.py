"""The console's screens, for tests on any stack. Names in braces are in the stack's `places`."""

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

SCREENS = {
    "overview": "#/",
    "subscriptions": "#/subscriptions",
    "subscription-usage": "#/subscription/4102",
    "subscription-ratings": "#/subscription/4101?tab=ratings",
    "subscription-lines": "#/subscription/4101?tab=lines",
    "subscription-statements": "#/subscription/4101?tab=statements",
    "subscription-history": "#/subscription/4101?tab=history",
    "why": "#/why/{rating}",
    "why-adjustment": "#/why/{adjustment}",
    "correct": "#/correct?subscription=4103&metric=api_calls",
    "lines": "#/lines",
    "webhooks": "#/webhooks",
    "endpoint": "#/webhooks/{endpoint}",
    "catalog": "#/catalog",
    "charge": "#/catalog/charges/api_calls_scale",
    "new-charge": "#/catalog/charges",
    "metric": "#/catalog/metrics/api_calls",
    "sources": "#/sources",
    "source": "#/sources/{source}",
    "adjustments": "#/adjustments",
    "audit": "#/audit",
    "not-found": "#/nothing",
}


def address_of(name: str, visitor: Visitor) -> str:
    """Return where a screen is on the visitor's stack."""
    return SCREENS[name].format(endpoint=visitor.stack.endpoint, **visitor.stack.places)


def check_screen(visitor: Visitor, picture: str) -> None:
    """Check that the open screen is accessible and fits the window, and keep a picture of it."""
    expect(visitor.page.get_by_text("Signed in as")).to_be_attached()
    expect(visitor.page.get_by_role("main").get_by_role("heading", level=1)).to_be_visible()
    visitor.settle()
    visitor.check_page(picture)
