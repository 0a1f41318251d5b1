"""How steps name a part of a period: by its dates, and by its share of the time."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from fusion_billing.rating.exact import Ratio
from fusion_billing.rating.phrases import counted, priced, units
from fusion_billing.rating.span_phrases import dates, share


@pytest.mark.parametrize(
    ("start", "end", "timezone", "words"),
    [
        ("2026-11-01T00:00:00Z", "2026-11-15T00:00:00Z", "UTC", "1 to 14 November"),
        ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "UTC", "1 November"),
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "UTC", "1 November"),
        ("2026-11-20T00:00:00Z", "2026-12-06T00:00:00Z", "UTC", "20 November to 5 December"),
        ("2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z", "UTC", "31 December"),
        ("2026-12-31T00:00:00Z", "2027-01-02T00:00:00Z", "UTC", "31 December 2026 to 1 January 2027"),
        ("2026-11-01T00:00:00Z", "2027-11-16T00:00:00Z", "UTC", "1 November 2026 to 15 November 2027"),
        ("2026-10-31T23:00:00Z", "2026-11-14T23:00:00Z", "Europe/Vienna", "1 to 14 November"),
        ("2026-11-01T00:00:00Z", "2026-11-01T12:30:00Z", "UTC", "1 November 00:00 to 1 November 12:30"),
        ("2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z", "UTC", "1 November 08:00 to 2 November 08:00"),
        ("2026-11-01T08:00:00Z", "2026-11-02T00:00:00Z", "UTC", "1 November 08:00 to 2 November 00:00"),
        ("2026-11-01T08:00:07Z", "2026-11-01T09:00:00Z", "UTC", "1 November 08:00:07 to 1 November 09:00"),
        (
            "2026-11-01T08:00:07.000005Z",
            "2026-11-01T09:00:00Z",
            "UTC",
            "1 November 08:00:07.000005 to 1 November 09:00",
        ),
        (
            "2026-12-31T08:00:00Z",
            "2027-01-01T09:00:00Z",
            "UTC",
            "31 December 2026 08:00 to 1 January 2027 09:00",
        ),
    ],
)
def test_a_part_is_named_by_its_first_and_last_day(start: str, end: str, timezone: str, words: str) -> None:
    assert dates(datetime.fromisoformat(start), datetime.fromisoformat(end), timezone) == words


@pytest.mark.parametrize("month", range(1, 13))
def test_months_are_named_in_english(month: int) -> None:
    start = datetime.fromisoformat(f"2026-{month:02d}-02T00:00:00Z")
    assert dates(start, start + timedelta(days=2), "UTC") == f"2 to 3 {start:%B}"


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        ({"days": 14}, {"days": 30}, "14 of 30 days"),
        ({"days": 0}, {"days": 1}, "0 of 1 day"),
        ({"days": 1}, {"days": 1000}, "1 of 1,000 days"),
        ({"days": 1200}, {"days": 1500}, "1,200 of 1,500 days"),
        ({"hours": 36}, {"days": 30}, "36 of 720 hours"),
        ({"days": 1}, {"hours": 25}, "24 of 25 hours"),
        ({"minutes": 0}, {"hours": 1}, "0 of 1 hour"),
        ({"minutes": 90}, {"days": 1}, "90 of 1,440 minutes"),
        ({"seconds": 61}, {"hours": 1}, "61 of 3,600 seconds"),
        ({"microseconds": 1}, {"seconds": 1}, "1 of 1,000,000 microseconds"),
    ],
)
def test_a_share_of_a_time_is_in_the_largest_exact_unit(
    part: dict[str, int], whole: dict[str, int], words: str
) -> None:
    assert share(timedelta(**part), timedelta(**whole)) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 records"),
        (1, "1 record"),
        (2, "2 records"),
        (Decimal("1.0"), "1 record"),
        (Ratio(1, 3), "0.333333 records"),
    ],
)
def test_a_number_is_followed_by_its_noun(number: int | Decimal | Ratio, words: str) -> None:
    assert counted(number, "record") == words


def test_units_and_prices_are_singular_only_for_one() -> None:
    assert (units(Decimal(1)), units(Decimal("0.5"))) == ("1 unit", "0.5 units")
    assert priced(Decimal(1), "record", Decimal("0.150")) == "1 record at 0.15"
    assert priced(Decimal(10), "record", Decimal("0.150")) == "10 records at 0.15 each"
