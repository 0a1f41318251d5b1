"""Aggregate the usage of a period by day."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import localcontext
from typing import TypedDict
from zoneinfo import ZoneInfo

from fusion_billing.catalog.levels import LEVEL
from fusion_billing.catalog.metric import Metric
from fusion_billing.decimals import EXACT, plain
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.exact import readable
from fusion_billing.rating.records import Record, in_order


class DayUsageJson(TypedDict):
    """What was used on a day."""

    date: str
    units: str


def usage_days(
    records: Iterable[Record], metric: Metric, timezone: str, start: datetime, end: datetime
) -> list[DayUsageJson]:
    """Return the units of each day of `timezone` on which a window starts, in order.

    Each day is aggregated as the period `[start, end)` is. A level has none: it lasts over days.
    """
    if metric.aggregation == LEVEL:
        return []
    zone = ZoneInfo(timezone)
    by_day: dict[date, list[Record]] = {}
    for record in records:
        by_day.setdefault(record.window_start.astimezone(zone).date(), []).append(record)
    aggregate = AGGREGATORS[metric.aggregation].aggregate
    with localcontext(EXACT):
        return [
            {"date": day.isoformat(), "units": plain(readable(aggregate(in_order(found), start, end)))}
            for day, found in sorted(by_day.items())
        ]
