"""A browser, the console on the service in memory, and pages that fail the test for any error they log.

`visit("#/subscriptions")` opens a screen signed in as the operator; `visit("#/", key="accountant")` as another. At the
end of a test its page must not have logged an error, nor have broken the content security policy. Screenshots are
stored in `build/screenshots/`. The tests are skipped if there is no Chromium: `apt-get install chromium`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

from tests.browser.world import NOW

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Stack:
    """The service in a process of its own: its base URL, its keys, a webhook endpoint, a portal token of 4101."""

    url: str
    keys: dict[str, str]
    endpoint: str
    portal_token: str


@dataclass
class Visitor:
    """A browser's window on the console."""

    stack: Stack
    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Patterns of logged errors that the test brings about itself."""

    def sign_in(self, address: str = "#/", key: str = "admin") -> Page:
        """Open an address of the console and sign in with one of the stack's keys."""
        self.page.goto(f"{self.stack.url}/console/{address}")
        self.page.get_by_label("API key").fill(self.stack.keys.get(key, key))
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_text("Signed in as").wait_for(state="attached")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing loads any more."""
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_function("() => !document.querySelector('[role=status].muted')")

    def go(self, address: str) -> Page:
        """Show another screen."""
        self.page.evaluate("address => { location.hash = address }", address)
        self.settle()
        return self.page

    def check_accessibility(self) -> None:
        """Run axe on the page as it is: no violation of WCAG 2.2 AA."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(f"() => {{ {AXE}\n }}")
        options = {"runOnly": {"type": "tag", "values": WCAG}}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        faults = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found["violations"]]
        assert faults == []

    def screenshot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def unexpected(self) -> list[str]:
        """Return the logged errors that the test did not bring about."""
        return [text for text in self.errors if not any(re.search(each, text) for each in self.expected)]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stack(chromium: Browser) -> Iterator[Stack]:
    """The console's server, in a process of its own."""
    del chromium  # without one there is nothing to serve
    command = [sys.executable, "-m", "tests.browser.server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True
    ) as server:
        told = json.loads(cast("IO[str]", server.stdout).readline())
        yield Stack(**told)
        cast("IO[str]", server.stdin).close()
        server.wait(20)


@pytest.fixture
def visitor(chromium: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A window of desktop size, in English, at the time that the stack's clock shows."""
    made = next(_visitors(chromium, stack, getattr(request, "param", {})))
    yield made
    made.context.close()
    assert made.unexpected() == []


@pytest.fixture
def visitor_of(chromium: Browser, stack: Stack) -> Iterator[Callable[..., Visitor]]:
    """What opens windows: `visitor_of(size="phone", color_scheme="dark")`."""
    made: list[Visitor] = []

    def open_window(**options: Any) -> Visitor:
        made.append(next(_visitors(chromium, stack, options)))
        return made[-1]

    yield open_window
    for each in made:
        each.context.close()
    assert [text for each in made for text in each.unexpected()] == []


def _visitors(chromium: Browser, stack: Stack, options: dict[str, Any]) -> Iterator[Visitor]:
    width, height = SIZES[options.get("size", "desktop")]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        locale=options.get("locale", "en-US"),
        timezone_id=options.get("timezone_id", "Europe/Berlin"),
        color_scheme=options.get("color_scheme", "light"),
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    context.clock.set_fixed_time(NOW)
    page = context.new_page()
    made = Visitor(stack, context, page)

    def page_error(error: Error) -> None:
        made.errors.append(f"page error: {error}")

    page.on("pageerror", page_error)

    def logged(line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            made.errors.append(f"{line.text} {line.location.get('url', '')}")

    page.on("console", logged)
    yield made
