"""Decide when a changed rating is sent to its order line: not at every change, but in time for the invoice.

Odoo posts a note on the order for each changed line: hundreds a month if an hourly counter were sent at every change.
By default a line is sent at its first amount, then once a day, and at each change in the last 30 hours of the period:
at most 61 times in a month of hourly counters.

The daily slots count back from the end of the period, so they do not depend on when they are computed. A line that is
already due keeps its slot, so that a line that changes every hour is not delayed forever.
"""

from datetime import datetime, timedelta
from typing import Literal, get_args

LineCadence = Literal["hourly", "daily", "closing"]
CADENCES: tuple[str, ...] = get_args(LineCadence)
"""`hourly`: at each rating run; `daily`; `closing`: in the last hours of the period only."""

CLOSING = timedelta(hours=30)
"""How long before the end of a period each change is sent immediately."""

_DAY = timedelta(days=1)
_AFTER_THE_RUN = timedelta(minutes=30)
"""Lines that wait for the closing hours are sent with the first hourly run in them, not just before it."""


def send_at(cadence: LineCadence, *, now: datetime, period_end: datetime, is_first: bool) -> datetime:
    """Return when to send a line that changed now: `now`, or a later instant.

    Args:
        cadence: The setting `LINE_CADENCE`.
        now: The present instant (aware).
        period_end: The end of the billing period whose invoice has the line (aware).
        is_first: Whether the line was never sent.
    """
    closing_at = period_end - CLOSING
    if cadence == "hourly" or now >= closing_at:
        return now
    last_slot = closing_at + _AFTER_THE_RUN
    if cadence == "closing":
        return last_slot
    if is_first:
        return now
    slots_left = (period_end - now) // _DAY
    return min(period_end - slots_left * _DAY, last_slot)
