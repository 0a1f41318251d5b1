"""Unique count."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from fusion_billing.rating.records import Record


def unique_count(records: Sequence[Record], _start: datetime, _end: datetime) -> Decimal:
    """Return the number of distinct members; a record without one counts by its quantity."""
    members = {record.member for record in records if record.member is not None}
    quantities = {record.quantity for record in records if record.member is None}
    return Decimal(len(members) + len(quantities))
