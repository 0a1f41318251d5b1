"""Last."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.rating.records import Record


def last(records: Sequence[Record], _start: datetime, _end: datetime) -> Decimal:
    """Return the quantity of the window that starts last; of two that start together, the greater key's."""
    return records[-1].quantity if records else ZERO
