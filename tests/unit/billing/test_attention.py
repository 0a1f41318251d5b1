"""Usage that came regularly is missing after twice its longest gap, a day at least."""

from datetime import UTC, datetime, timedelta

import pytest

from fusion_billing.billing.attention import expected_change

START = datetime(2026, 11, 3, tzinfo=UTC)


def versions(*hours: float, units: str | None = None) -> list[tuple[str, datetime]]:
    return [(units or str(number), START + timedelta(hours=hour)) for number, hour in enumerate(hours, 1)]


@pytest.mark.parametrize(
    ("hours", "last", "expected"),
    [
        ((0, 1, 2, 3), 3, 3 + 24),
        ((0, 24, 48, 72), 72, 72 + 48),
        ((0, 24, 50, 72), 72, 72 + 52),
        ((0, 100, 124, 125, 126, 127, 128, 129, 130, 131), 131, 131 + 24),
    ],
)
def test_the_next_change_is_expected_after_twice_the_longest_gap(
    hours: tuple[float, ...], last: float, expected: float
) -> None:
    found = expected_change(versions(*hours))
    assert found == (START + timedelta(hours=last), START + timedelta(hours=expected))


def test_what_changed_seldom_has_no_habit() -> None:
    assert expected_change(versions()) is None
    assert expected_change(versions(0, 24, 48)) is None


def test_a_version_with_the_same_units_is_no_change() -> None:
    assert expected_change(versions(0, 24, 48, 72, units="5")) is None
    changed = [*versions(0, 24, 48, 72), ("4", START + timedelta(hours=200))]
    assert expected_change(changed) == (START + timedelta(hours=72), START + timedelta(hours=120))
