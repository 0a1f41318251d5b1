"""Windows of a browser on a stack: the service in memory, or what `make run` starts.

At the end of a test, no page may have logged an error, nor have broken the content security policy. Screenshots are
stored in `build/screenshots/`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}
SCHEMES = {"desktop": "light", "phone": "dark"}
"""The color scheme in which a size is shown, so that both are."""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_SHOW = """address => new Promise(done => {
  // Two frames and what they set off: by then the other screen is shown, or says that it loads.
  const shown = () => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));
  const target = new URL(address, location.href);
  if (target.href === location.href) return shown();
  addEventListener("hashchange", shown, { once: true });
  location.hash = target.hash;
})"""
"""Change the address, and wait until the console has begun to show the other screen."""


_WIDEST = """() => [...document.querySelectorAll("main *")].filter(
  each => each.getBoundingClientRect().right > innerWidth && !each.closest(".scroll, [tabindex]:not(main)"),
).slice(0, 3).map(each => each.outerHTML.slice(0, 200))"""
"""What is wider than the window, for the message of a failing test."""


@dataclass
class Stack:
    """A service that runs: its base URL and what tests open there."""

    url: str
    keys: dict[str, str]
    endpoint: str
    portal_token: str
    places: Mapping[str, str] = field(default_factory=dict)
    """What stands for the names in the addresses of `tests.browser.screens`."""
    now: datetime | None = None
    """The time that its clock shows; the time of day if there is none."""
    timeout_seconds: float = 15.0
    """How long a page may take."""
    folder: Path = SCREENSHOTS
    """Where screenshots are stored."""


@dataclass
class Visitor:
    """A browser's window on the console."""

    stack: Stack
    context: BrowserContext
    page: Page
    size: str = "desktop"
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
        self.page.evaluate(_SHOW, address)
        self.settle()
        return self.page

    def check_accessibility(self) -> None:
        """Run axe on the page as it is: no violation of WCAG 2.2 AA."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(f"() => {{ {AXE}\n }}")
        options = {"runOnly": {"type": "tag", "values": WCAG}}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        faults = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found["violations"]]
        assert faults == [], faults

    def check_width(self) -> None:
        """Check that the page fits the window: what is wider scrolls within it."""
        fits = self.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert fits, f"the page scrolls sideways: {self.page.evaluate(_WIDEST)}"

    def check_page(self, picture: str) -> None:
        """Check that the page is accessible and fits the window, and keep a picture of it."""
        self.check_accessibility()
        self.check_width()
        self.screenshot(picture)

    def screenshot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        self.stack.folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.stack.folder / f"{name}.png", full_page=True)

    def unexpected(self) -> list[str]:
        """Return the logged errors that the test did not bring about."""
        return [text for text in self.errors if not any(re.search(each, text) for each in self.expected)]


def open_window(chromium: Browser, stack: Stack, **options: Any) -> Visitor:
    """Open a window: `size="phone"`, `color_scheme="dark"`, `locale="de-DE"`, `timezone_id="Asia/Tokyo"`."""
    size = options.get("size", "desktop")
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        locale=options.get("locale", "en-US"),
        timezone_id=options.get("timezone_id", "Europe/Berlin"),
        color_scheme=options.get("color_scheme", "light"),
        reduced_motion="reduce",
    )
    context.set_default_timeout(stack.timeout_seconds * 1000)
    if stack.now is not None:
        context.clock.set_fixed_time(stack.now)
    made = Visitor(stack, context, context.new_page(), size)

    def page_error(error: Error) -> None:
        made.errors.append(f"page error: {error}")

    def logged(line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            made.errors.append(f"{line.text} {line.location.get('url', '')}")

    def watch(page: Page) -> None:
        page.on("pageerror", page_error)
        page.on("console", logged)

    watch(made.page)
    context.on("page", watch)  # a window that the page opens
    return made
