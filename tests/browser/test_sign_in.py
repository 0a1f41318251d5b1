"""The way in and out, and what a session may see."""

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def test_signing_in_stores_nothing_that_a_script_can_read(visitor: Visitor) -> None:
    page = visitor.sign_in()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert page.evaluate("() => [document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    [cookie] = visitor.context.cookies()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert cookie["name"].startswith("__Host-")


def test_a_wrong_key_is_refused_beside_the_form(visitor: Visitor) -> None:
    visitor.expected.append("401")
    page = visitor.page
    page.goto(f"{visitor.stack.url}/console/")
    page.get_by_label("API key").fill("fb_nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Invalid API key")
    visitor.check_accessibility()
    visitor.expected.append("422")
    page.get_by_label("API key").fill("")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Is required")).to_be_visible()
    expect(page.get_by_label("API key")).to_have_attribute("aria-invalid", "true")
    visitor.check_accessibility()
    visitor.screenshot("sign-in")


def test_an_expired_session_leads_to_the_sign_in_and_back(visitor: Visitor) -> None:
    page = visitor.sign_in("#/subscriptions")
    visitor.context.clear_cookies()
    visitor.expected.append("401")
    page.evaluate("() => { location.hash = '#/subscription/4102' }")
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    page.get_by_label("API key").fill(visitor.stack.keys["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Hudson Analytics Inc.")).to_be_visible()


def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    page = visitor.sign_in()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()
    assert visitor.context.cookies() == []


def test_a_key_sees_the_screens_of_its_scopes_alone(visitor: Visitor) -> None:
    page = visitor.sign_in(key="accountant")
    screens = page.get_by_role("navigation", name="Screens").get_by_role("link").all_inner_texts()
    assert {"Overview", "Customers"} <= set(screens)
    assert not {"Order lines", "Sources and keys", "Webhooks", "Correct"} & set(screens)
    visitor.go("#/sources")
    expect(page.get_by_text("lacks the scope")).to_be_visible()


def test_a_lost_connection_has_a_retry_button(visitor: Visitor) -> None:
    page = visitor.sign_in()
    visitor.expected.append("ERR_INTERNET_DISCONNECTED")
    page.route("**/v1/subscriptions?*", lambda route: route.abort("internetdisconnected"))
    visitor.go("#/subscriptions")
    expect(page.get_by_role("alert")).to_contain_text("No connection to the service")
    page.unroute("**/v1/subscriptions?*")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("link", name="Hudson Analytics Inc.")).to_be_visible()


def test_the_console_works_at_its_address_with_and_without_a_slash(visitor: Visitor) -> None:
    page = visitor.page
    for address in ("console", "console/", "console/#/subscriptions"):
        page.goto("about:blank")
        page.goto(f"{visitor.stack.url}/{address}")
        expect(page.get_by_label("API key")).to_be_visible()
    page.get_by_label("API key").fill(visitor.stack.keys["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Hudson Analytics Inc.")).to_be_visible()
