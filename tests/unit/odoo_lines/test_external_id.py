"""Test the external ids of order lines: after a move, and read back."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from fusion_billing.odoo_lines.external_id import external_id, moved_suffix, rating_of

OCTOBER, NOVEMBER = datetime(2026, 10, 1, 5, 30, 59, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("suffix", "product", "order", "moved"),
    [
        ("", None, None, ""),
        ("", 8, None, "--p8"),
        ("", None, 55, "--o55"),
        ("", 8, 55, "--p8--o55"),
        ("--p8", 9, None, "--p9"),
        ("--p8", None, 55, "--p8--o55"),
        ("--o55", 8, None, "--p8--o55"),
        ("--o55", None, 56, "--o56"),
        ("--p8--o55", None, None, "--p8--o55"),
        ("--p8--o55", 9, 56, "--p9--o56"),
    ],
)
def test_a_moved_line_is_a_new_line_and_keeps_the_parts_of_its_suffix(
    suffix: str, product: int | None, order: int | None, moved: str
) -> None:
    assert moved_suffix(suffix, product=product, order=order) == moved


@pytest.mark.parametrize(
    ("name", "rating"),
    [
        ("fusion_billing.42--api_calls--20261101T000000Z", ("42", "api_calls", NOVEMBER, None)),
        (
            "fusion_billing.42--api_calls--20261101T000000Z--20261001T053059Z",
            ("42", "api_calls", NOVEMBER, OCTOBER),
        ),
        ("fusion_billing.42--api_calls--20261101T000000Z--p8--o55", ("42", "api_calls", NOVEMBER, None)),
        ("fusion_billing.a-2eb-3a--c-c3-a9--20261101T000000Z", ("a.b:", "cé", NOVEMBER, None)),
    ],
)
def test_an_id_of_the_service_names_its_rating(name: str, rating: tuple[str, str, datetime, datetime | None]) -> None:
    assert rating_of(name) == rating


@pytest.mark.parametrize(
    "name",
    [
        "",
        "sale.42--api_calls--20261101T000000Z",
        "fusion_billing",
        "fusion_billing.42--20261101T000000Z",
        "fusion_billing.42--api_calls--november",
        "fusion_billing.42--api_calls--20261101T000000Z--october",
        "fusion_billing.42--api_calls--20261101T000000Z--20261001T000000Z--20260901T000000Z",
        "fusion_billing.42--api_calls--20261301T000000Z",
        "fusion_billing.42--api_calls--20261101T000000Z--20261301T000000Z",
        "fusion_billing.-ff--api_calls--20261101T000000Z",
    ],
)
def test_any_other_id_names_no_rating(name: str) -> None:
    assert rating_of(name) is None


def test_instants_are_written_in_utc_to_the_second() -> None:
    at = datetime(2026, 11, 1, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert external_id("a", "b", at, OCTOBER) == "fusion_billing.a--b--20261031T230203Z--20261001T053059Z"


def test_bytes_of_other_characters_are_written_in_hexadecimal() -> None:
    assert external_id("é-", "\n", NOVEMBER) == "fusion_billing.-c3-a9-2d---0a--20261101T000000Z"


def test_the_instants_of_an_external_id_are_in_utc_whatever_the_machine_s_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        name = external_id("42", "api_calls", NOVEMBER)
    time.tzset()
    assert name == "fusion_billing.42--api_calls--20261101T000000Z"
