"""The customer portal: a page for a token, and the element that other sites embed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import open_portal
from tests.browser.visitor import Visitor


def embed(visitor: Visitor, host: str = "localhost") -> Page:
    """Open a page of another origin that embeds the element."""
    address = visitor.stack.url.replace("127.0.0.1", host).replace("/stage", "/account")
    visitor.page.goto(f"{address}?{visitor.stack.portal_token}")
    return visitor.page


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_customer_sees_what_is_used_and_why(visitor_of: Callable[..., Visitor], size: str) -> None:
    visitor = visitor_of(size=size, color_scheme="dark" if size == "phone" else "light")
    page = visitor.page
    open_portal(visitor)
    expect(page.get_by_text("4,250 calls used of 3,000 included.")).to_be_visible()
    expect(page.get_by_text("At this pace: about")).to_be_visible()
    expect(page.get_by_role("heading", name="Invoiced periods")).to_be_visible()
    expect(page.get_by_role("img", name="API calls by day")).to_be_visible()
    page.get_by_text("Days as a table").click()
    expect(page.get_by_role("row").filter(has_text="Nov 1, 2026")).to_contain_text("158")
    page.get_by_text("Why €5.00 for API calls?").click()
    expect(page.get_by_text("1,250 calls at €0.004 each")).to_be_visible()
    visitor.check_page(f"portal-{size}")


def test_the_token_leaves_the_address(visitor: Visitor) -> None:
    page = visitor.page
    open_portal(visitor)
    expect(page.get_by_text("4,250 calls used")).to_be_visible()
    assert page.url == f"{visitor.stack.url}/portal"


@pytest.mark.parametrize(("query", "says"), [("", "This link is incomplete"), ("?token=nonsense", "nothing to show")])
def test_a_bad_link_says_so(visitor: Visitor, query: str, says: str) -> None:
    visitor.expected.append("404")
    visitor.page.goto(f"{visitor.stack.url}/portal{query}")
    expect(visitor.page.get_by_text(says)).to_be_visible()
    visitor.check_accessibility()


def test_an_expired_token_says_so(visitor: Visitor) -> None:
    visitor.expected.append("401")
    parts = visitor.stack.portal_token.split(".")
    forged = ".".join([parts[0], parts[1], "1000000000", *parts[3:]])
    visitor.page.goto(f"{visitor.stack.url}/portal?token={forged}")
    expect(visitor.page.get_by_text("This link has expired")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Retry")).to_be_visible()


def test_a_site_whose_origin_is_allowed_embeds_the_element(visitor: Visitor) -> None:
    page = embed(visitor)
    expect(page.get_by_text("4,250 calls used of 3,000 included.")).to_be_visible()
    visitor.check_accessibility()


def test_no_other_site_reads_with_it(visitor: Visitor) -> None:
    visitor.expected.append("CORS policy|ERR_FAILED")
    page = embed(visitor, host="other.localhost")
    expect(page.get_by_text("There is no connection to the billing service.")).to_be_visible()
