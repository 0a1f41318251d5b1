"""What other projects' own tests say a billing period must be, asked of `billing_period`.

A subscription's start cuts its first period short; that is the calendar's business, so it is done here.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fusion_billing.billing_periods.schedule import billing_period

FILES = Path(__file__).parents[2] / "data" / "cases"
CASES = [case for name in ("periods.json", "periods_more.json") for case in json.loads((FILES / name).read_text())]
UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_period_is_what_the_peer_says(case: dict[str, Any]) -> None:
    match = re.fullmatch(r"P(\d+)([DWMY])", case["interval"])
    assert match is not None
    value, unit = int(match[1]), UNITS[match[2]]
    at = instant(case["at"])
    anchor = instant(case["anchor"]) if case["anchor"] else None
    first = instant(case["subscription_start"]) if case["subscription_start"] else datetime.min.replace(tzinfo=UTC)

    def holding(at: datetime) -> tuple[datetime, datetime]:
        return billing_period(anchor, value, unit, case["timezone"], at)

    start, end = holding(max(at, first))
    if case["relation"] == "last_completed":
        start, end = holding(start - INSTANT)
    start = max(start, first)
    assert case["expected_start"] in {None, text(start)}
    assert case["expected_end"] in {None, text(end)}


def instant(value: str) -> datetime:
    return datetime.fromisoformat(value)


def text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
