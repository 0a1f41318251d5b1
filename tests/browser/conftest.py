"""The console on the service in memory, in a process of its own, and windows on it.

`visitor.sign_in("#/subscriptions")` opens a screen signed in as the operator; `sign_in("#/", key="accountant")` as
another.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import ROOT, Stack, Visitor, open_window
from tests.browser.world import NOW

PLACES = {
    "rating": "4101/api_calls_pro?period_start=2026-10-31T23:00:00Z",
    "adjustment": "4101/api_calls_pro@2026-09-30T22:00:00Z?period_start=2026-10-31T23:00:00Z",
    "source": "src_life",
}


@pytest.fixture(scope="session")
def stack(chromium: Browser) -> Iterator[Stack]:
    """The console's server, in a process of its own."""
    del chromium  # without one there is nothing to serve
    command = [sys.executable, "-m", "tests.browser.server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True
    ) as server:
        started = json.loads(cast("IO[str]", server.stdout).readline())
        yield Stack(**started, places=PLACES, now=NOW)
        cast("IO[str]", server.stdin).close()
        server.wait(20)


@pytest.fixture
def visitor(chromium: Browser, stack: Stack) -> Iterator[Visitor]:
    """A window of desktop size, in English, at the time that the stack's clock shows."""
    made = open_window(chromium, stack)
    yield made
    made.context.close()
    assert made.unexpected() == []


@pytest.fixture
def visitor_of(chromium: Browser, stack: Stack) -> Iterator[Callable[..., Visitor]]:
    """What opens windows: `visitor_of(size="phone", color_scheme="dark")`."""
    made: list[Visitor] = []

    def opened(**options: Any) -> Visitor:
        made.append(open_window(chromium, stack, **options))
        return made[-1]

    yield opened
    for each in made:
        each.context.close()
    assert [text for each in made for text in each.unexpected()] == []
