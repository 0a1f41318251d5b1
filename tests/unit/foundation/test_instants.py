"""Test that instants need an offset, are converted to UTC, and sort as text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.errors import Refused
from fusion_billing.instants import parse_instant, parse_query_instant, rfc3339, sortable

INSTANTS = st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis wants it bare


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-03T00:00:00Z", "2026-11-03T00:00:00Z"),
        ("2026-11-03t00:00:00z", "2026-11-03T00:00:00Z"),
        ("2026-11-03 00:00:00Z", "2026-11-03T00:00:00Z"),
        ("2026-11-03T01:30:00+01:30", "2026-11-03T00:00:00Z"),
        ("2026-11-03T00:00:00-05:00", "2026-11-03T05:00:00Z"),
        ("2026-11-03T00:00:00.5Z", "2026-11-03T00:00:00.500000Z"),
        ("2026-11-03T00:00:00.123456000Z", "2026-11-03T00:00:00.123456Z"),
    ],
)
def test_an_instant_with_an_offset_is_read_as_utc(text: str, expected: str) -> None:
    assert rfc3339(parse_instant(text)) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-11-03T00:00:00", "missing_offset"),
        ("2026-11-03", "not_an_instant"),
        ("2026-13-03T00:00:00Z", "not_an_instant"),
        ("2026-02-30T00:00:00Z", "not_an_instant"),
        ("2026-11-03T00:00:60Z", "not_an_instant"),
        ("2026-11-03T00:00:00.0000001Z", "not_an_instant"),
        ("0001-01-01T00:00:00+14:00", "not_an_instant"),
        ("2026-11-03T00:00:00+25:00", "not_an_instant"),
        ("tomorrow", "not_an_instant"),
        ("", "not_an_instant"),
        (1762128000, "not_an_instant"),
        (None, "not_an_instant"),
    ],
)
def test_an_invalid_instant_is_rejected_with_a_code(value: object, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_instant(value, "period_start")
    (fault,) = refusal.value.faults
    assert (fault.field, fault.code) == ("period_start", code)


@given(INSTANTS, INSTANTS)
def test_sortable_text_sorts_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert (one < other) == (sortable(one) < sortable(other))
    assert parse_instant(sortable(one)) == one == parse_instant(rfc3339(one))


def test_a_plus_that_became_a_space_in_a_query_is_read_as_a_plus() -> None:
    moment = datetime(2026, 11, 3, tzinfo=UTC)
    for text in ("2026-11-03T01:00:00 01:00", "2026-11-03T01:00:00+01:00", "2026-11-03 00:00:00Z"):
        assert parse_query_instant(text, "from") == moment
    with pytest.raises(Refused) as refused:
        parse_query_instant("2026-11-03 00:00:00", "from")
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("from", "missing_offset")]
