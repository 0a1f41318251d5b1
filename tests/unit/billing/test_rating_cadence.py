"""A cadence divides the day into slots; every hour is planned with all its pairs when its slot is over."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from fusion_billing.billing.planning import HOUR, Hours
from fusion_billing.billing.rating_cadence import CADENCES, RatingCadence, remaining

FIRST = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("name", CADENCES)
def test_a_slot_ends_so_often_from_midnight_on(name: str) -> None:
    cadence = RatingCadence.named(name)
    ends = [hour for hour in Hours(FIRST, FIRST + 47 * HOUR) if cadence.whole_slots(Hours(hour, hour)).count]
    assert ends[0] == FIRST + cadence.length - HOUR
    assert {later - earlier for earlier, later in pairwise(ends)} == {cadence.length}


@pytest.mark.parametrize("name", CADENCES)
def test_whole_slots_and_what_remains_are_all_hours(name: str) -> None:
    for count in range(60):
        hours = Hours(FIRST + 5 * HOUR, FIRST + (4 + count) * HOUR)
        whole = RatingCadence.named(name).whole_slots(hours)
        assert [*whole, *remaining(hours, whole, None)] == list(hours)


def test_hours_that_were_planned_do_not_remain() -> None:
    hours = Hours(FIRST, FIRST + 4 * HOUR)
    none = Hours(FIRST, FIRST - HOUR)
    assert list(remaining(hours, none, FIRST + 3 * HOUR)) == [FIRST + 4 * HOUR]
    assert remaining(hours, none, FIRST + 4 * HOUR).count == 0


@pytest.mark.parametrize("name", ["", "2h", "1", "hourly"])
def test_only_the_named_cadences_exist(name: str) -> None:
    with pytest.raises(ValueError, match="1h, 3h, 6h, 24h"):
        RatingCadence.named(name)


def test_a_slot_is_as_long_as_its_name_says() -> None:
    assert [RatingCadence.named(name).length for name in CADENCES] == [timedelta(hours=n) for n in (1, 3, 6, 24)]
