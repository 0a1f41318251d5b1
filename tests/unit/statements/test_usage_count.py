"""The usage behind a statement's line: records, revisions, and local days without any."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from fusion_billing.rating.records import Record
from fusion_billing.statements.statement import UsageCount
from fusion_billing.statements.usage_count import usage_count

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def record(start: datetime, length: timedelta = DAY, revision: int = 1) -> Record:
    return Record(f"k{start}", start, start + length, Decimal(1), revision=revision)


def test_records_and_revisions_are_counted() -> None:
    records = [record(START), record(START + DAY, revision=4)]
    count = usage_count(records, start=START, end=START + 3 * DAY, timezone="UTC")
    assert count == UsageCount(2, 5, (date(2026, 11, 3),))


def test_without_a_record_no_day_is_missing() -> None:
    assert usage_count([], start=START, end=END, timezone="UTC") == UsageCount()


def test_days_are_the_subscriptions_own() -> None:
    """A UTC day's window lies on two days of Tokyo."""
    count = usage_count([record(START)], start=START, end=START + 2 * DAY, timezone="Asia/Tokyo")
    assert count.missing_days == (date(2026, 11, 3),)


@pytest.mark.parametrize("length", [timedelta(minutes=1), timedelta(hours=1), DAY, 3 * DAY])
def test_a_window_covers_each_day_it_has_a_part_of(length: timedelta) -> None:
    count = usage_count([record(START, length)], start=START, end=START + 4 * DAY, timezone="UTC")
    covered = max(1, length // DAY)
    assert len(count.missing_days) == 4 - covered


def test_what_lies_before_the_period_covers_no_day_of_it() -> None:
    count = usage_count([record(START - DAY, 2 * DAY)], start=START, end=START + 2 * DAY, timezone="UTC")
    assert count.missing_days == (date(2026, 11, 2),)
