"""Definitions and records for rating, built as an operator and a source would give them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.rating.engine import rate
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def make_charge(model: dict[str, Any], **more: Any) -> Charge:
    body = {
        "name": "Calls",
        "metric": "calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": model,
    }
    return parse(Charge, body | more, code="calls")


def make_metric(aggregation: str = "sum", **more: Any) -> Metric:
    return parse(Metric, {"name": "Calls", "aggregation": aggregation} | more, code="calls")


def make_record(quantity: str, day: float = 0, days: float = 1, **more: Any) -> Record:
    """A record whose window starts `day` days into November 2026 and lasts `days`."""
    start = START + day * DAY
    return Record(more.pop("key", f"{day}"), start, start + days * DAY, Decimal(quantity), **more)


def rate_november(versions: Charge | list[Charge], metric: Metric, records: list[Record]) -> RatingResult:
    charges = versions if isinstance(versions, list) else [versions]
    return rate(charges, metric, records, period_start=START, period_end=START + 30 * DAY)


@pytest.fixture(scope="session")
def charge() -> Callable[..., Charge]:
    return make_charge


@pytest.fixture(scope="session")
def metric() -> Callable[..., Metric]:
    return make_metric


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    return make_record


@pytest.fixture(scope="session")
def november() -> Callable[..., RatingResult]:
    return rate_november
