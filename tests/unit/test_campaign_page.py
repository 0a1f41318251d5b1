"""docs/campaign.md lists every kind of fault."""

from tests.campaign.page import PAGE, with_table


def test_the_page_lists_every_kind_of_fault() -> None:
    text = PAGE.read_text()
    assert with_table(text) == text, "run `python -m tests.campaign.page`"
