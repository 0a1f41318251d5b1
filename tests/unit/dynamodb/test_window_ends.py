"""The end of a window reads back as it was stored, by this release and by earlier ones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.dynamodb.usage.window_ends import stored_end, window_end
from fusion_billing.instants import rfc3339, sortable

START = datetime(2026, 11, 3, 14, tzinfo=UTC)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2150, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(microseconds=1), timedelta(days=4000))
    | st.integers(1, 10**8).map(lambda n: timedelta(seconds=n)),
)
def test_an_end_reads_back(start: datetime, length: timedelta) -> None:
    assert window_end(start, stored_end(sortable(start), sortable(start + length))) == start + length


@pytest.mark.parametrize(
    ("length", "stored"),
    [
        (timedelta(hours=1), "+3600"),
        (timedelta(days=31), "+2678400"),
        (timedelta(milliseconds=1), "2026-11-03T14:00:00.001000Z"),
    ],
)
def test_an_end_is_stored_as_the_length_of_its_window_if_that_is_whole_seconds(length: timedelta, stored: str) -> None:
    assert stored_end(sortable(START), sortable(START + length)) == stored


@pytest.mark.parametrize("text", [sortable, rfc3339])
def test_an_instant_of_an_earlier_release_is_read(text: object) -> None:
    assert window_end(START, text(START + timedelta(hours=1))) == START + timedelta(hours=1)  # type: ignore[operator]
