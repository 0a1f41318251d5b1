"""Sum, count and average."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.rating.exact import Exact, quotient
from fusion_billing.rating.records import Record


def total(records: Sequence[Record], _start: datetime, _end: datetime) -> Decimal:
    """Return the sum of the quantities."""
    return sum([record.quantity for record in records], ZERO)


def count(records: Sequence[Record], _start: datetime, _end: datetime) -> Decimal:
    """Return the number of records, regardless of their quantities."""
    return Decimal(len(records))


def average(records: Sequence[Record], start: datetime, end: datetime) -> Exact:
    """Return the mean of the quantities, each record weighing the same."""
    return quotient(total(records, start, end), Decimal(len(records))) if records else ZERO
