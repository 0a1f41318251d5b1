"""What holds for every test, and the browser that browser tests share.

How long hypothesis may take says nothing of the code on a busy machine.
"""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("mutants", settings.get_profile("unhurried"), max_examples=30, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "unhurried")

_ANY_PAGE_IS_LOCAL = "--disable-features=LocalNetworkAccessChecks"
"""A page that a test makes up has no address; Chromium would ask a person whether it may reach this machine."""


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """The system's Chromium, for the tests on every stack: a process can drive one Playwright only.

    Without one, tests are skipped: `apt-get install chromium`.
    """
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415  only browser tests need it

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in CHROMIUM")
    expect.set_options(timeout=15_000)  # a busy machine is slow; what passes does not wait for this
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", _ANY_PAGE_IS_LOCAL])
        yield browser
        browser.close()
