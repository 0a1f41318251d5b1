"""What people come for: explain an amount, correct a record, retry a line, send an event again, change a price."""

import re

from playwright.sync_api import expect

from tests.browser.pages import follow_link_of_customer
from tests.browser.visitor import Visitor

WHY = "#/why/4101/api_calls_pro?period_start=2026-09-30T22:00:00Z"


def test_an_amount_is_explained_down_to_the_revision_of_a_record(visitor: Visitor) -> None:
    page = visitor.sign_in("#/subscription/4101?tab=ratings")
    row = page.get_by_role("row").filter(has_text="Oct 1").filter(has_text="€8.86")
    row.get_by_role("link", name="Why?").click()
    expect(page.get_by_role("heading", name="Why €8.86 for API calls?")).to_be_visible()
    expect(page.get_by_text("used 5,214 calls. Of these, 3,000 are included, so 2,214 are billed")).to_be_visible()
    expect(page.get_by_text("€4.73 is billed in Nov 1")).to_be_visible()
    record = page.get_by_role("row").filter(has_text="nexa:4101:api_calls:2026-10-20:eu")
    page.get_by_role("region", name="Usage records").scroll_into_view_if_needed()
    page.get_by_role("searchbox", name="Filter").first.fill("2026-10-20:eu")
    record.get_by_text("2", exact=True).click()
    expect(record).to_contain_text("950")


def test_an_explanation_prints_without_the_menu(visitor: Visitor) -> None:
    page = visitor.sign_in(WHY)
    page.emulate_media(media="print")
    expect(page.get_by_role("banner")).to_be_hidden()
    expect(page.get_by_role("heading", name="In short")).to_be_visible()


def test_a_correction_shows_its_effect_before_it_is_made(visitor: Visitor) -> None:
    page = visitor.sign_in("#/correct?subscription=4102&metric=api_calls&from=2026-11-18&to=2026-11-19")
    page.get_by_role("link", name="nexa:4102:api_calls:2026-11-18:eu").click()
    page.get_by_label("Right quantity").fill("1250")
    page.get_by_label("Reason").fill("Counted twice")
    page.get_by_role("button", name="Show what this changes").click()
    effect = page.get_by_role("region", name="What this changes")
    expect(effect).to_contain_text("its amount changes with the next rating, before it is invoiced")
    expect(effect).to_contain_text("$27.33")
    visitor.check_accessibility()
    visitor.screenshot("correction")
    page.get_by_role("button", name="Correct the record").click()
    expect(page.get_by_text("The record was corrected to 1,250; this is revision 2.")).to_be_visible()
    page.get_by_text("2", exact=True).click()
    expect(page.get_by_text("Counted twice")).to_be_visible()


def test_a_wrong_quantity_is_refused_beside_its_field(visitor: Visitor) -> None:
    visitor.expected.append("422")
    page = visitor.sign_in("#/correct?subscription=4102&metric=api_calls&from=2026-11-19&to=2026-11-20")
    page.get_by_role("link", name="nexa:4102:api_calls:2026-11-19:eu").click()
    page.get_by_label("Right quantity").fill("many")
    page.get_by_role("button", name="Show what this changes").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_record_is_voided_with_a_reason(visitor: Visitor) -> None:
    page = visitor.sign_in("#/correct?subscription=4103&metric=api_calls&from=2026-10-20&to=2026-10-21")
    page.get_by_role("link", name="nexa:4103:api_calls:2026-10-20:us").click()
    page.get_by_label("Change", exact=True).select_option("void")
    page.get_by_label("Reason").fill("Test traffic")
    page.get_by_role("button", name="Show what this changes").click()
    expect(page.get_by_role("region", name="What this changes")).to_contain_text("billed as an adjustment")
    page.get_by_role("button", name="Void the record").click()
    expect(page.get_by_text("The record was voided: it no longer counts.")).to_be_visible()
    page.get_by_text("2", exact=True).click()
    expect(page.get_by_text("Test traffic")).to_be_visible()


def test_a_failed_line_is_retried(visitor: Visitor) -> None:
    page = visitor.sign_in("#/lines")
    expect(page.get_by_text("The order S04102 is locked")).to_be_visible()
    page.get_by_role("button", name="Retry api_calls_scale of 4102").click()
    expect(page.get_by_text("is sent again now")).to_be_visible()
    expect(page.get_by_text("No order line is in this state.")).to_be_visible()


def test_a_failed_delivery_is_sent_again(visitor: Visitor) -> None:
    page = visitor.sign_in(f"#/webhooks/{visitor.stack.endpoint}?state=failed")
    rows = page.get_by_role("row").filter(has_text="failed")
    count = rows.count()
    rows.first.locator("summary").click()
    expect(rows.first).to_contain_text("Internal error <script>")
    rows.first.get_by_role("button", name="again").click()
    expect(rows).to_have_count(count - 1)


def test_an_example_event_is_sent(visitor: Visitor) -> None:
    page = visitor.sign_in(f"#/webhooks/{visitor.stack.endpoint}")
    page.get_by_label("Event type").select_option("line.failed")
    page.get_by_role("button", name="Send the example").click()
    expect(page.get_by_text("The example is on its way as msg_")).to_be_visible()


def test_an_endpoint_is_registered_and_its_secret_shown_once(visitor: Visitor) -> None:
    visitor.expected.append("422")
    page = visitor.sign_in("#/webhooks")
    page.get_by_label("URL").fill("ftp://example.com")
    page.get_by_role("button", name="Register the endpoint").click()
    expect(page.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("URL").fill("https://hooks.example.com/second")
    page.get_by_role("button", name="Register the endpoint").click()
    expect(page.get_by_text(re.compile("whsec_"))).to_be_visible()
    visitor.check_accessibility()


def test_a_price_is_changed_after_its_dry_run(visitor: Visitor) -> None:
    visitor.expected.append("422")
    page = visitor.sign_in("#/catalog/charges/storage_scale")
    page.get_by_label("Price of a unit").fill("0.30")
    expect(page.get_by_role("region", name="Estimate")).to_contain_text("$2,985.00")
    page.get_by_role("button", name="Show what this changes").click()
    changes = page.get_by_role("region", name="What this changes", exact=True)
    expect(changes).to_contain_text("It changes model.")
    expect(changes.get_by_role("row").filter(has_text="4102")).to_contain_text("$5.25")
    visitor.check_accessibility()
    visitor.screenshot("dry-run")
    changes.get_by_label("Reason").fill("New price list")
    changes.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. The next rating uses it.")).to_be_visible()
    page.reload()
    visitor.settle()
    expect(page.get_by_label("Price of a unit")).to_have_value("0.3")
    page.get_by_label("Included units").fill("-1")
    page.get_by_role("button", name="Show what this changes").click()
    expect(page.get_by_label("Included units")).to_have_attribute("aria-invalid", "true")


def test_a_source_gets_a_key_that_is_shown_once_and_revoked(visitor: Visitor) -> None:
    page = visitor.sign_in("#/sources")
    page.get_by_label("Name").fill("Second app")
    page.get_by_role("button", name="Create the source").click()
    expect(page.get_by_role("heading", name="Second app")).to_be_visible()
    page.get_by_label("usage:write").check()
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_text(re.compile("fb_[a-z0-9]+_"))).to_be_visible()
    visitor.check_accessibility()
    page.reload()
    visitor.settle()
    page.get_by_role("button", name="Revoke", exact=True).click()
    visitor.check_accessibility()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("This source has no live key.")).to_be_visible()


def test_an_adjustment_leads_to_its_explanation(visitor: Visitor) -> None:
    page = visitor.sign_in("#/adjustments")
    row = page.get_by_role("row").filter(has_text="Nordlicht GmbH")
    expect(row).to_contain_text("€4.73")
    row.get_by_role("link", name="Why?").click()
    expect(page.get_by_text("was invoiced at €8.86")).to_be_visible()


def test_a_customer_gets_a_link_to_the_portal(visitor: Visitor) -> None:
    visitor.sign_in("#/subscription/4101")
    expect(follow_link_of_customer(visitor).get_by_text("of 3,000 included")).to_be_visible()
