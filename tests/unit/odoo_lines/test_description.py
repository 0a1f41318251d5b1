"""Test the names of order lines: the days, the arithmetic, and the language."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fusion_billing.odoo_lines.description import Arithmetic, Days, correction_name, language, line_name, words_of

D = Decimal
ENGLISH = words_of("en")
NOVEMBER = Days(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), "UTC")
Figure = Decimal | None
STEP = (D(250), D("0.004"), D(1))


@pytest.mark.parametrize(
    ("units", "included", "over", "text"),
    [
        (D(1250), D(1000), D(250), "1250 used, 1000 included, 250 over: 1.00 USD"),
        (D(1250), D(1000), None, "1250 used, 1000 included: 1.00 USD"),
        (D(1250), D(0), D(1250), "1250 used: 1.00 USD"),
        (D(1250), None, D(1250), "1250 used: 1.00 USD"),
        (D(0), D(1000), D(0), "0 used, 1000 included, 0 over: 1.00 USD"),
        (None, D(1000), D(250), "1000 included, 250 over: 1.00 USD"),
        (None, None, None, "1.00 USD"),
    ],
)
def test_the_figures_of_a_line(units: Figure, included: Figure, over: Figure, text: str) -> None:
    assert Arithmetic(units, included, over, [], D(1), "USD").text(ENGLISH) == text


@pytest.mark.parametrize(
    ("steps", "amount", "text"),
    [
        ([], "0", "0.00 USD"),
        ([STEP], "1", "250 × 0.004 = 1.00 USD"),  # noqa: RUF001
        ([(D(1000), D(0), D(0)), STEP], "1", "250 × 0.004 = 1.00 USD"),  # noqa: RUF001
        ([(None, None, D(4)), STEP], "5", "4 + 250 × 0.004 = 5.00 USD"),  # noqa: RUF001
        ([STEP, (None, None, D("-0.5"))], "0.5", "250 × 0.004 - 0.5 = 0.50 USD"),  # noqa: RUF001
        ([(D(1), D(5), D(5))], "5", "5 = 5.00 USD"),
        ([(D(2), D(5), D(9))], "9", "9 = 9.00 USD"),
        ([(D(2), None, D(9))], "9", "9 = 9.00 USD"),
        ([(None, D(9), D(9))], "9", "9 = 9.00 USD"),
        ([STEP] * 6, "6", f"{' + '.join(['250 × 0.004'] * 6)} = 6.00 USD"),  # noqa: RUF001
        ([STEP] * 7, "7", "7.00 USD"),
    ],
)
def test_the_sum_of_a_line_has_at_most_six_terms(
    steps: list[tuple[Figure, Figure, Decimal]], amount: str, text: str
) -> None:
    assert Arithmetic(None, None, None, steps, D(amount), "USD").text(ENGLISH) == text


def test_amounts_have_the_digits_of_their_currency() -> None:
    assert Arithmetic(D(1), None, None, [], D("1234.5"), "KWD").text(ENGLISH) == "1 used: 1234.500 KWD"


@pytest.mark.parametrize(
    ("start", "end", "zone", "text"),
    [
        ("2026-11-01T00:00", "2026-12-01T00:00", "UTC", "2026-11-01 to 2026-11-30"),
        ("2026-10-31T23:00", "2026-11-30T23:00", "Europe/Brussels", "2026-11-01 to 2026-11-30"),
        ("2026-11-01T00:00", "2026-11-02T00:00", "UTC", "2026-11-01"),
        ("2026-11-01T00:00", "2026-11-02T00:00:00.000001", "UTC", "2026-11-01 to 2026-11-02"),
        ("2026-11-01T00:00", "2026-11-01T00:00", "UTC", "2026-11-01"),
    ],
)
def test_days_are_the_first_and_the_last_in_the_time_zone(start: str, end: str, zone: str, text: str) -> None:
    first, last = (datetime.fromisoformat(instant).replace(tzinfo=UTC) for instant in (start, end))
    assert Days(first, last, zone).text("to") == text


def test_a_line_is_in_one_language() -> None:
    arithmetic = Arithmetic(D(3), D(1), D(2), [(D(2), D(5), D(10))], D(10), "EUR")
    assert line_name("Anrufe", NOVEMBER, arithmetic, words_of("de")) == (
        "Anrufe, 2026-11-01 bis 2026-11-30\n3 verbraucht, 1 inklusive, 2 darüber: 2 × 5 = 10.00 EUR"  # noqa: RUF001
    )


@pytest.mark.parametrize(
    ("now", "invoiced", "text"),
    [
        (D("4.2"), D(5), "4.20 - 5.00 = -0.80 USD"),
        (None, D(5), "-0.80 USD"),
        (D("4.2"), None, "-0.80 USD"),
    ],
)
def test_a_correction_says_what_was_invoiced_and_what_it_comes_to_now(now: Figure, invoiced: Figure, text: str) -> None:
    figures = (now, invoiced, D("-0.8"))
    assert correction_name("API\ncalls", NOVEMBER, figures, "USD", ENGLISH) == (
        f"API calls\nCorrection of 2026-11-01 to 2026-11-30: {text}"
    )


@pytest.mark.parametrize(
    ("names", "requested", "chosen"),
    [
        (["de_DE", "de_CH"], "de_CH", "de_CH"),
        (["de", "de_AT"], "de_CH", "de"),
        (["de_DE", "de_AT", "fr"], "de_CH", "de_AT"),
        (["de-AT"], "de_CH", "de-AT"),
        (["DE"], "de_CH", "DE"),
        (["de_DE"], "de", "de_DE"),
        (["fr_FR"], "de_CH", ""),
        (["de_DE"], "", ""),
        (["", "de_DE"], "", ""),
        ([], "de_CH", ""),
    ],
)
def test_the_name_of_a_charge_is_the_nearest_to_the_customers_language(
    names: list[str], requested: str, chosen: str
) -> None:
    assert language(dict.fromkeys(names, "name"), requested) == chosen


@pytest.mark.parametrize(
    ("code", "used"),
    [
        ("de_CH", "verbraucht"),
        ("de-CH", "verbraucht"),
        ("DE", "verbraucht"),
        ("fr_FR", "consommés"),
        ("es_MX", "usadas"),
        ("it", "usate"),
        ("nl_BE", "verbruikt"),
        ("pt_BR", "usadas"),
        ("en_GB", "used"),
        ("ja_JP", "used"),
        ("", "used"),
    ],
)
def test_the_words_are_those_of_the_language_or_english(code: str, used: str) -> None:
    assert words_of(code)["used"] == used
