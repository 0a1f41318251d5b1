"""Each screen, on a desktop and on a dark phone: accessible, fits the window, logs no error, and has its picture."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from functions.admin.static_files import FOLDER
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from tests.browser.screens import SCREENS, address_of, check_screen
from tests.browser.visitor import Visitor


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_accessible_and_fits(visitor_of: Callable[..., Visitor], name: str, size: str) -> None:
    visitor = visitor_of(size=size, color_scheme="dark" if size == "phone" else "light")
    visitor.sign_in(address_of(name, visitor))
    check_screen(visitor, f"{name}-{size}")


def test_the_menu_of_a_phone_opens_by_keyboard(visitor_of: Callable[..., Visitor]) -> None:
    visitor = visitor_of(size="phone")
    page = visitor.sign_in()
    page.get_by_role("button", name="Menu").press("Enter")
    visitor.check_accessibility()
    page.get_by_role("link", name="Customers").press("Enter")
    expect(page.get_by_role("heading", name="Customers and subscriptions")).to_be_visible()


def test_the_first_tab_skips_to_the_content(visitor: Visitor) -> None:
    page = visitor.sign_in()
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_the_console_offers_every_type_of_event() -> None:
    text = (FOLDER / "screens" / "endpoint.js").read_text()
    listed = re.search(r"EVENT_TYPES = \[(.*?)\]", text, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r'"([\w.]+)"', listed[1])) == set(EVENT_TYPES)
