"""When a changed rating is sent to its order line: not at every change, but in time for the invoice.

Odoo posts notes on the order for each changed line, so an hourly counter that was sent at every change would
write hundreds of them a month. By default a line is sent at its first amount, then once a day, and at each
change in the last 30 hours before the period's end: of a month of hourly counters that makes at most 61.

The daily slots count back from the period's end, so they are the same whoever asks and whenever; a line that
is already due keeps its slot, so that a line which changes every hour is not put off for ever.
"""

from datetime import datetime, timedelta
from typing import Literal, get_args

LineCadence = Literal["hourly", "daily", "closing"]
CADENCES: tuple[str, ...] = get_args(LineCadence)
"""`hourly`: at each rating run; `daily`; `closing`: in the last hours of the period alone."""

CLOSING = timedelta(hours=30)
"""How long before a period's end each change is sent at once."""

_DAY = timedelta(days=1)
_AFTER_THE_RUN = timedelta(minutes=30)
"""What is left for the closing hours is sent with the first hourly run in them, not just before it."""


def send_at(cadence: LineCadence, *, now: datetime, period_end: datetime, is_first: bool) -> datetime:
    """Return when a line that changed now is to be sent: `now`, or a later instant.

    Args:
        cadence: The setting `LINE_CADENCE`.
        now: The present instant (aware).
        period_end: The end of the billing period whose invoice takes the line (aware).
        is_first: Whether nothing of the line was ever sent.
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
