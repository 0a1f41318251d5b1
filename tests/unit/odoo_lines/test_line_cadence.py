"""When a changed line is sent: seldom while the period is long, at once when it is about to be invoiced."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.odoo_lines.line_cadence import CADENCES, CLOSING, LineCadence, send_at

END = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
before_the_end = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=366))


def changes_sent(cadence: LineCadence, days: int) -> int:
    """Return how often a line is sent that changes at each hourly run of a period of `days` days."""
    now = END - timedelta(days=days) + timedelta(minutes=6)
    due: datetime | None = None
    sent = 0
    while now <= END + HOUR:
        if due is not None and due <= now - timedelta(minutes=2):
            sent, due = sent + 1, None  # the relay runs every two minutes
        at = send_at(cadence, now=now, period_end=END, is_first=sent == 0)
        due = at if due is None else min(due, at)
        if due <= now:
            sent, due = sent + 1, None
        now += HOUR
    return sent + (due is not None)


@pytest.mark.parametrize("days", [28, 30, 31])
def test_a_month_of_hourly_counters_writes_at_most_61_changes(days: int) -> None:
    assert 50 <= changes_sent("daily", days) <= 61


@pytest.mark.parametrize(("cadence", "changes"), [("hourly", 722), ("closing", 32)])
def test_the_other_cadences(cadence: LineCadence, changes: int) -> None:
    assert changes_sent(cadence, 30) <= changes


@given(before_the_end, st.sampled_from(CADENCES), st.booleans())
def test_a_line_is_sent_before_its_period_ends(left: timedelta, cadence: LineCadence, is_first: bool) -> None:
    at = send_at(cadence, now=END - left, period_end=END, is_first=is_first)
    assert END - left <= at < END


@given(before_the_end)
def test_each_change_in_the_last_hours_is_sent_at_once(left: timedelta) -> None:
    now = END - min(left, CLOSING)
    assert {send_at(cadence, now=now, period_end=END, is_first=False) for cadence in ("daily", "closing")} == {now}


@given(before_the_end, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)))
def test_a_day_has_one_slot_whenever_it_is_asked_for(left: timedelta, later: timedelta) -> None:
    now = END - left
    slot = send_at("daily", now=now, period_end=END, is_first=False)
    if now + later <= slot and now < END - CLOSING and now + later < END - CLOSING:
        assert send_at("daily", now=now + later, period_end=END, is_first=False) == slot


def test_the_first_amount_is_sent_at_once_unless_only_the_closing_hours_are_wanted() -> None:
    now = END - timedelta(days=20)
    assert send_at("daily", now=now, period_end=END, is_first=True) == now
    assert send_at("closing", now=now, period_end=END, is_first=True) > END - CLOSING


def test_after_the_end_what_changes_is_sent_at_once() -> None:
    now = END + timedelta(days=3)
    assert send_at("closing", now=now, period_end=END, is_first=False) == now


@pytest.mark.parametrize(
    ("cadence", "is_first", "left", "sent"),
    [
        ("hourly", False, timedelta(days=20), timedelta(days=20)),
        ("daily", True, timedelta(days=20, hours=3), timedelta(days=20, hours=3)),
        ("daily", False, timedelta(days=20, hours=3), timedelta(days=20)),
        ("daily", False, timedelta(days=20), timedelta(days=20)),
        ("daily", False, timedelta(days=2, hours=1), timedelta(days=2)),
        ("daily", False, timedelta(hours=40), timedelta(hours=29, minutes=30)),
        ("daily", False, timedelta(hours=30, seconds=1), timedelta(hours=29, minutes=30)),
        ("closing", True, timedelta(days=20), timedelta(hours=29, minutes=30)),
        ("closing", False, timedelta(hours=30, seconds=1), timedelta(hours=29, minutes=30)),
        ("closing", False, timedelta(hours=30), timedelta(hours=30)),
    ],
)
def test_how_long_before_the_end_a_change_is_sent(
    cadence: LineCadence, is_first: bool, left: timedelta, sent: timedelta
) -> None:
    assert send_at(cadence, now=END - left, period_end=END, is_first=is_first) == END - sent


@pytest.mark.parametrize("is_first", [True, False])
def test_an_hourly_line_is_sent_at_each_change(is_first: bool) -> None:
    now = END - timedelta(days=10, hours=7)
    assert send_at("hourly", now=now, period_end=END, is_first=is_first) == now
