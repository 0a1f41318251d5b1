"""Signing in at the identity provider, which is another site: the way there and back, and where it goes wrong."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor

PROVIDER = re.compile(r"Sign in with localhost:\d+")


def begin(visitor: Visitor, address: str = "console/#/subscriptions") -> Page:
    """Go from an address of the service to the identity provider."""
    visitor.page.goto(f"{visitor.stack.url}/{address}")
    visitor.page.get_by_role("link", name=PROVIDER).click()
    expect(visitor.page.get_by_role("heading", name="Who are you?")).to_be_visible()
    return visitor.page


def choose(page: Page, name: str) -> None:
    """Choose a person at the identity provider, or deny."""
    page.get_by_role("link", name=name).click()


def expect_failure(visitor: Visitor, code: str, text: str) -> None:
    """Check that the console says what went wrong and what to do, and offers to sign in."""
    page = visitor.page
    expect(page).to_have_url(f"{visitor.stack.url}/console?sign_in={code}")
    expect(page.get_by_role("alert")).to_contain_text("Signing in did not work.")
    expect(page.get_by_role("alert")).to_contain_text(text)
    expect(page.get_by_label("API key")).to_be_visible()
    expect(page.get_by_role("link", name=PROVIDER)).to_be_visible()
    visitor.check_accessibility()


def test_a_person_signs_in_and_comes_back_to_the_screen(visitor: Visitor) -> None:
    page = begin(visitor)
    choose(page, "Ada")
    expect(page).to_have_url(f"{visitor.stack.url}/console#/subscriptions")
    expect(page.get_by_role("link", name="Hudson Analytics Inc.")).to_be_visible()
    expect(page.get_by_text("Signed in as")).to_have_text("Signed in as ada@example.com")
    expect(page.get_by_role("link", name="Sources and keys")).to_be_visible()
    assert page.evaluate("() => [document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    page.reload()
    expect(page.get_by_text("Signed in as")).to_have_text("Signed in as ada@example.com")


def test_a_person_sees_the_screens_of_the_groups_and_signs_out(visitor: Visitor) -> None:
    page = begin(visitor, "console")
    choose(page, "Rita")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("Signed in as")).to_have_text("Signed in as rita@example.com")
    screens = page.get_by_role("navigation", name="Screens").get_by_role("link").all_inner_texts()
    assert {"Overview", "Customers"} <= set(screens)
    assert not {"Order lines", "Sources and keys", "Webhooks", "Correct", "Audit log"} & set(screens)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name=PROVIDER)).to_be_visible()


def test_a_person_without_rights_reads_whom_to_ask(visitor: Visitor) -> None:
    page = begin(visitor)
    choose(page, "Sam")
    expect_failure(visitor, "no_access", "Ask its operator to add you to a group")
    visitor.screenshot("sign-in-no-access")
    page.get_by_role("link", name=PROVIDER).click()
    choose(page, "Ada")
    expect(page.get_by_text("Signed in as")).to_have_text("Signed in as ada@example.com")


def test_a_failure_is_forgotten_after_the_next_sign_in(visitor: Visitor) -> None:
    page = begin(visitor)
    choose(page, "Deny")
    expect_failure(visitor, "denied", "Sign in again, or with an API key.")
    page.get_by_label("API key").fill(visitor.stack.keys["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_sign_in_of_another_browser_is_refused(visitor: Visitor) -> None:
    page = begin(visitor)
    visitor.context.clear_cookies()
    choose(page, "Ada")
    expect_failure(visitor, "sign_in_expired", "It took longer than ten minutes, or began in another browser.")


def test_a_forged_state_is_refused(visitor: Visitor) -> None:
    page = begin(visitor)
    target = page.get_by_role("link", name="Ada").get_attribute("href")
    assert target is not None
    page.goto(re.sub("state=[^&]+", "state=forged", target))
    expect_failure(visitor, "invalid_state", "It was not the sign-in that this browser began last.")


def test_a_code_is_good_once(visitor: Visitor) -> None:
    page = begin(visitor)
    target = page.get_by_role("link", name="Ada").get_attribute("href")
    assert target is not None
    choose(page, "Ada")
    expect(page.get_by_role("link", name="Hudson Analytics Inc.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.goto(target)
    expect_failure(visitor, "code_refused", "give the operator this code: code_refused")


@pytest.mark.parametrize("query", ["", "?code=x", "?error=access_denied", "?code=x&state=<script>alert(1)</script>"])
def test_the_way_back_without_a_beginning_is_readable(visitor: Visitor, query: str) -> None:
    visitor.page.goto(f"{visitor.stack.url}/v1/sessions/oidc/callback{query}")
    expect_failure(visitor, "sign_in_expired", "Sign in again.")
