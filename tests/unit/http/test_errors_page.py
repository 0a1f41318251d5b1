"""docs/errors.md is what the registry of error codes says."""

from typing import get_args

from fusion_billing.error_codes import ERROR_CODES, Topic
from local.error_page import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_every_topic_has_codes() -> None:
    assert {error.topic for error in ERROR_CODES.values()} == set(get_args(Topic))
