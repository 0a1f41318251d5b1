"""Weeks of counters for each subscription, as an app would push them: once, again, corrected, and late."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from local.demo.catalog import ACROSS, MONTHLY, SUBSCRIPTIONS, TIERED, YEARLY, dates
from local.demo.dates import COUNTED_DAYS

Record = dict[str, Any]
Quantity = Callable[[int], Decimal | int]
"""The quantity of a day, by its number from 1 on."""

_DAY = timedelta(days=1)


def counters(today: date) -> dict[str, list[Record]]:
    """Return each subscription's counters as first pushed, 24 a metric, by subscription."""
    quantities: dict[str, dict[str, Quantity]] = {
        # Day k: 101 + k calls, and a store that grows by a quarter of a GB a day.
        MONTHLY: {"api_calls": lambda k: 101 + k, "storage_gb": lambda k: Decimal("60.25") + Decimal("0.25") * k},
        # 250 calls a day; day 10 is pushed wrong at first, as 25.
        TIERED: {
            "api_calls": lambda k: 25 if k == 10 else 250,  # noqa: PLR2004
            "storage_gb": lambda k: Decimal("73.333") if k == 17 else 70,  # noqa: PLR2004
        },
        # Some weeks of its year: 26 calls a day.
        YEARLY: {
            "api_calls": lambda _: 26,
            "storage_gb": lambda k: Decimal("1250.1") if k == COUNTED_DAYS else 900,
        },
        # Windows from noon to noon, the last one across the period's end.
        ACROSS: {"api_calls": lambda _: Decimal("51.25"), "storage_gb": lambda _: 51},
    }
    return {
        subscription: [
            record for metric, quantity in own.items() for record in _daily(subscription, metric, today, quantity)
        ]
        for subscription, own in quantities.items()
    }


def corrections(today: date) -> list[Record]:
    """Return the two counters that were wrong, as they should have been: newer in sequence."""
    pushed = {record["idempotency_key"]: record for records in counters(today).values() for record in records}
    return [
        {**pushed[f"demo:{MONTHLY}:api_calls:5"], "quantity": "206", "sequence": 2},
        {**pushed[f"demo:{TIERED}:api_calls:10"], "quantity": "250", "sequence": 2},
    ]


def late(today: date) -> list[Record]:
    """Return what the corrected counters said at first, arriving once more: older in sequence, so stale."""
    keys = {record["idempotency_key"] for record in corrections(today)}
    return [record for records in counters(today).values() for record in records if record["idempotency_key"] in keys]


def single(today: date) -> Record:
    """Return one counter, for a push on its own."""
    return counters(today)[ACROSS][0]


def _daily(subscription: str, metric: str, today: date, quantity: Quantity) -> Iterator[Record]:
    for number, (start, end) in enumerate(_windows(subscription, today), 1):
        yield {
            "idempotency_key": f"demo:{subscription}:{metric}:{number}",
            "subscription": subscription,
            "metric": metric,
            "period_start": start.isoformat(),
            "period_end": end.isoformat(),
            "quantity": str(quantity(number)),
            "sequence": 1,
        }


def _windows(subscription: str, today: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield local days, as long as they are, each with its own offsets; from midnight to midnight, or noon to noon."""
    first = dates(subscription, today).counted_from
    zone, hour = ZoneInfo(SUBSCRIPTIONS[subscription]["timezone"]), 12 if subscription == ACROSS else 0
    begin = datetime(first.year, first.month, first.day, hour, tzinfo=zone)
    for number in range(COUNTED_DAYS):
        yield begin + number * _DAY, begin + (number + 1) * _DAY
