"""What is done and holds on the customer portal and the API reference on any stack."""

from playwright.sync_api import Page, expect

from functions.admin.services.openapi import document
from tests.browser.visitor import Visitor


def open_portal(visitor: Visitor) -> None:
    """Open the portal with the stack's token."""
    visitor.page.goto(f"{visitor.stack.url}/portal?token={visitor.stack.portal_token}")
    expect(visitor.page.get_by_role("heading", name="Your usage")).to_be_visible()


def follow_link_of_customer(visitor: Visitor) -> Page:
    """Open the portal by the link that the open subscription has for its customer; return its page."""
    page = visitor.page
    page.get_by_role("button", name="Link for the customer").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="open the portal").click()
    expect(opened.value.get_by_role("heading", name="Your usage")).to_be_visible()
    return opened.value


def check_reference(visitor: Visitor) -> None:
    """Check that the API reference shows every operation and schema, and fits the window."""
    page = visitor.page
    page.goto(f"{visitor.stack.url}/docs")
    expect(page.get_by_role("heading", name="Fusion Billing API reference")).to_be_visible(timeout=20_000)
    ids = {operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()}
    shown = set(page.evaluate("() => [...document.querySelectorAll('section.card')].map(each => each.id)"))
    assert ids <= shown
    assert {f"schema-{name}" for name in document()["components"]["schemas"]} <= shown
    visitor.check_width()


def lay_out_reference(visitor: Visitor) -> None:
    """Lay out all of the API reference: what is far from the window isn't before it comes near, and can't be judged."""
    script = "() => document.querySelectorAll('.card').forEach(card => card.style.contentVisibility = 'visible')"
    visitor.page.evaluate(script)
