"""Max and min."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.rating.records import Record


def largest(records: Sequence[Record], _start: datetime, _end: datetime) -> Decimal:
    """Return the largest quantity."""
    return max([record.quantity for record in records], default=ZERO)


def smallest(records: Sequence[Record], _start: datetime, _end: datetime) -> Decimal:
    """Return the smallest quantity."""
    return min([record.quantity for record in records], default=ZERO)
