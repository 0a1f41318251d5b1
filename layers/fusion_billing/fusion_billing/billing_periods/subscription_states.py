"""Define the states of a subscription, their groups, and until when usage is accepted and rated in each.

A state is Odoo's `subscription_state`. Usage of a subscription in progress is rated; usage of a quotation is not. If
a subscription is paused, renewed by another order or churned, the usage from before that moment is still rated, so
that its last invoice is right, and later usage is not; ratings that exist stay. After a pause, usage is rated as if
there had been none.
"""

from datetime import UTC, datetime
from typing import Final, Literal

SubscriptionState = Literal["1_draft", "2_renewal", "3_progress", "4_paused", "5_renewed", "6_churn", "7_upsell"]

QUOTATION: Final = "1_draft"
RENEWAL_QUOTATION: Final = "2_renewal"
IN_PROGRESS: Final = "3_progress"
PAUSED: Final = "4_paused"
RENEWED: Final = "5_renewed"
CHURNED: Final = "6_churn"
UPSELL: Final = "7_upsell"

RUNNING: Final = frozenset({IN_PROGRESS, PAUSED})
"""The customer has the subscription, even if it is paused."""

ENDED: Final = frozenset({RENEWED, CHURNED})
"""Later usage is refused, unless Odoo reopens the subscription."""

CONFIRMED: Final = RUNNING | ENDED
"""The order was confirmed as a subscription at some time."""

NEVER = datetime.min.replace(tzinfo=UTC)
"""Until when usage is rated if the subscription was never in progress: before all usage."""


def stopped_at(state: str, previous: str | None, previously: datetime | None, now: datetime) -> datetime | None:
    """Return when a subscription stopped; None if it is in progress or never was.

    Args:
        state: The state it is in now.
        previous: The state it was last seen in.
        previously: What this function returned then.
        now: The present instant (aware).
    """
    if state == IN_PROGRESS:
        return None
    return now if previous == IN_PROGRESS else previously


def rated_until(state: str, stopped: datetime | None, ends: datetime | None) -> datetime | None:
    """Return the instant from which on usage is not rated, by the start of its window; None if there is none.

    Args:
        state: The subscription's state.
        stopped: What `stopped_at` returned.
        ends: The first instant after the subscription's end date, if it has one.
    """
    if state == IN_PROGRESS:
        return ends
    until = NEVER if stopped is None else stopped
    return until if ends is None else min(until, ends)


def accepted_until(state: str, stopped: datetime | None, ends: datetime | None) -> datetime | None:
    """Return the instant from which on usage is refused, by the start of its window; None if there is none.

    It is `rated_until` if the subscription has ended. One that is paused or still a quotation may go on: its usage
    is accepted now, and rated then.
    """
    return rated_until(state, stopped, ends) if state in ENDED else ends
