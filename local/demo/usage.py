"""A month of counters for each subscription, as an app would push them: once, again, corrected, and late."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from local.demo.catalog import ACROSS, FIRST, LAST_DAY, YEARLY

Record = dict[str, Any]

_DAY = timedelta(days=1)


def counters() -> dict[str, list[Record]]:
    """Return each subscription's counters as first pushed, one a day and metric, by subscription."""
    return {
        # 31 days; day k: 100 + k calls, and a store that grows by a quarter of a GB a day.
        FIRST: [
            *_daily(FIRST, "api_calls", _days(2026, 10, 1, 31, "Europe/Berlin"), lambda k: 100 + k),
            *_daily(
                FIRST,
                "storage_gb",
                _days(2026, 10, 1, 31, "Europe/Berlin"),
                lambda k: 60 + Decimal("0.25") * k,
            ),
        ],
        # 31 days of 250 calls; day 10 is pushed wrong at first, as 25.
        LAST_DAY: [
            *_daily(
                LAST_DAY,
                "api_calls",
                _days(2026, 9, 30, 31, "America/New_York"),
                lambda k: 25 if k == 10 else 250,  # noqa: PLR2004
            ),
            *_daily(
                LAST_DAY,
                "storage_gb",
                _days(2026, 9, 30, 31, "America/New_York"),
                lambda k: Decimal("73.333") if k == 17 else 70,  # noqa: PLR2004
            ),
        ],
        # A month out of its year: 31 days of 20 calls.
        YEARLY: [
            *_daily(YEARLY, "api_calls", _days(2026, 10, 1, 31, "UTC"), lambda _: 20),
            *_daily(
                YEARLY,
                "storage_gb",
                _days(2026, 10, 1, 31, "UTC"),
                lambda k: Decimal("1250.1") if k == 31 else 900,  # noqa: PLR2004
            ),
        ],
        # 30 windows from noon to noon, the last one across the period's end.
        ACROSS: [
            *_daily(ACROSS, "api_calls", _noons(2026, 9, 20, 30), lambda _: Decimal("40.5")),
            *_daily(ACROSS, "storage_gb", _noons(2026, 9, 20, 30), lambda _: 51),
        ],
    }


def corrections() -> list[Record]:
    """Return the two counters that were wrong, as they should have been: newer in sequence."""
    pushed = {record["idempotency_key"]: record for records in counters().values() for record in records}
    return [
        {**pushed[f"demo:{FIRST}:api_calls:5"], "quantity": "205", "sequence": 2},
        {**pushed[f"demo:{LAST_DAY}:api_calls:10"], "quantity": "250", "sequence": 2},
    ]


def late() -> list[Record]:
    """Return what the corrected counters said at first, arriving once more: older in sequence, so stale."""
    keys = {record["idempotency_key"] for record in corrections()}
    return [record for records in counters().values() for record in records if record["idempotency_key"] in keys]


def single() -> Record:
    """Return one counter, for a push on its own."""
    return counters()[ACROSS][0]


def _daily(
    subscription: str, metric: str, windows: Iterator[tuple[datetime, datetime]], quantity: Any
) -> Iterator[Record]:
    for number, (start, end) in enumerate(windows, 1):
        yield {
            "idempotency_key": f"demo:{subscription}:{metric}:{number}",
            "subscription": subscription,
            "metric": metric,
            "period_start": start.isoformat(),
            "period_end": end.isoformat(),
            "quantity": str(quantity(number)),
            "sequence": 1,
        }


def _days(year: int, month: int, day: int, count: int, zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Yield local days: each from midnight to midnight, as long as it is, with its own offsets."""
    first = datetime(year, month, day, tzinfo=ZoneInfo(zone))
    for number in range(count):
        yield first + number * _DAY, first + (number + 1) * _DAY


def _noons(year: int, month: int, day: int, count: int) -> Iterator[tuple[datetime, datetime]]:
    first = datetime(year, month, day, 12, tzinfo=UTC)
    for number in range(count):
        yield first + number * _DAY, first + (number + 1) * _DAY
