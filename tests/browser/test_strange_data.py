"""Each screen on data at its limits, and on none: never a blank page, a value of the script, or an unformatted date."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, cast

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.pages import open_portal
from tests.browser.strange_worlds import SUBSCRIPTIONS
from tests.browser.visitor import ROOT, Stack, Visitor, open_window
from tests.browser.world import NOW

RAW = re.compile(r"undefined|\bNaN\b|\[object|Invalid Date|\bnull\b|Infinity|\d{4}-\d\d-\d\dT|[{}]|\bfunction\b")
EVERYWHERE = ["#/", "#/subscriptions", "#/correct", "#/lines", "#/lines?state=due", "#/webhooks", "#/catalog"]
EVERYWHERE += ["#/catalog/charges", "#/sources", "#/adjustments", "#/audit"]
TABS = ["usage", "ratings", "lines", "statements", "history"]
_OCTOBER, _NOVEMBER = "2026-09-30T15:00:00Z", "2026-10-31T15:00:00Z"
STRANGE = [
    *(f"#/subscription/{name}?tab={tab}" for name in SUBSCRIPTIONS for tab in TABS),
    f"#/why/4101/yen?period_start={_NOVEMBER}",
    f"#/why/4101/yen_twin?period_start={_NOVEMBER}",
    f"#/why/4101/yen@{_OCTOBER}?period_start={_NOVEMBER}",
    f"#/why/4101/level?period_start={_OCTOBER}",
    "#/why/kw/dinar?period_start=2026-10-31T21:00:00Z",
    "#/why/over/gone?period_start=2026-10-01T00:00:00Z",
    "#/correct?subscription=4101&metric=bare",
    "#/catalog/metrics/level",
]


@pytest.fixture(scope="module")
def stack_of_world(chromium: Browser) -> Iterator[Callable[[str], Stack]]:
    """What serves a world, once."""
    del chromium  # without one there is nothing to serve
    servers: dict[str, subprocess.Popen[str]] = {}
    stacks: dict[str, Stack] = {}

    def served(world: str) -> Stack:
        if world not in stacks:
            command = [sys.executable, "-m", "tests.browser.strange_worlds", world]
            server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
            servers[world] = server
            started = json.loads(cast("IO[str]", server.stdout).readline())
            stacks[world] = Stack(**started, places={}, now=NOW)
        return stacks[world]

    yield served
    for server in servers.values():
        server.communicate(timeout=20)


@pytest.fixture
def visitor_of_world(chromium: Browser, stack_of_world: Callable[[str], Stack]) -> Iterator[Callable[[str], Visitor]]:
    """What opens a phone's window on a world, signed in as the operator."""
    made: list[Visitor] = []

    def opened(world: str) -> Visitor:
        made.append(open_window(chromium, stack_of_world(world), size="phone"))
        made[-1].sign_in()
        return made[-1]

    yield opened
    for visitor in made:
        visitor.context.close()
    assert [text for visitor in made for text in visitor.unexpected()] == []


@pytest.mark.parametrize(("world", "addresses"), [("empty", EVERYWHERE), ("strange", [*EVERYWHERE, *STRANGE])])
def test_no_screen_shows_what_is_not_for_people(
    visitor_of_world: Callable[[str], Visitor], world: str, addresses: list[str]
) -> None:
    visitor = visitor_of_world(world)
    for address in addresses:
        page = visitor.go(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
        text = page.locator("main").inner_text()
        assert RAW.findall(text) == [], (address, text)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), f"{address} scrolls sideways"


def test_yen_have_no_digits_dinars_three_and_charges_of_one_name_their_codes(
    visitor_of_world: Callable[[str], Visitor],
) -> None:
    visitor = visitor_of_world("strange")
    page = visitor.go("#/subscription/4101")
    expect(page.get_by_role("link", name="Why ¥34 for Calls (yen)?")).to_be_visible()
    expect(page.get_by_role("link", name="Why ¥7 for Calls (yen_twin)?")).to_be_visible()
    page = visitor.go("#/subscription/kw?tab=ratings")
    expect(page.get_by_text("KWD 2.000").first).to_be_visible()
    page = visitor.go("#/subscription/4101?tab=history")
    own = page.get_by_role("region", name="Prices of its own").get_by_role("row")
    expect(own.nth(1)).to_contain_text("¥2.5 for each unit")
    expect(own.nth(2)).to_contain_text("Dec 1, 2026")
    visitor.expected.append("404")
    page = visitor.go(f"#/why/4101/level?period_start={_NOVEMBER}")
    expect(page.get_by_text("Nothing was calculated for level in this period yet")).to_be_visible()
    page = visitor.go("#/adjustments")
    expect(page.get_by_role("row").filter(has_text="Calls (yen)")).to_contain_text(re.compile("Nov 1 . 30, 2026"))


def test_the_portal_says_what_is_not_in_an_amount_yet(visitor_of_world: Callable[[str], Visitor]) -> None:
    visitor = visitor_of_world("strange")
    visitor.expected.append("404")
    page = visitor.page
    open_portal(visitor)
    page.get_by_text("Why ¥34 for Calls (yen)?").click()
    expect(page.get_by_text("Together ¥31.25, rounded to ¥31.")).to_be_visible()
    expect(page.get_by_text("With what was used after this was calculated, it comes to ¥34.")).to_be_visible()
    page.get_by_text("Why ¥0 for A level?").click()
    expect(page.get_by_text("Nothing was calculated yet")).to_be_visible()
    assert RAW.findall(page.locator("fusion-usage section").first.inner_text()) == []
