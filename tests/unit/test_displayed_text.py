"""Test how names from outside are made safe to show."""

import pytest

from fusion_billing.displayed_text import on_one_line, shortened


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("API calls", "API calls"),
        ("API\ncalls\t\x00now", "API calls now"),
        ("API calls \x1b[31mred", "API calls [31mred"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066a\u2069\u200fb\ufeff", "ab"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("\ud800broken", "broken"),
        (
            "क्\u200dष 通話 API呼び出し 👨\u200d👩\u200d👧",
            "क्\u200dष 通話 API呼び出し 👨\u200d👩\u200d👧",
        ),
        ("  padded  ", "padded"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
)
def test_characters_that_control_the_display_are_removed(name: str, shown: str) -> None:
    assert on_one_line(name) == shown


def test_a_long_name_is_shortened_and_a_short_one_is_not() -> None:
    assert shortened("x" * 256, 256) == "x" * 256
    assert shortened("x" * 300, 256) == "x" * 255 + "…"
    assert shortened("word " * 60, 6) == "word…"
