"""From when on a subscription's usage is no longer rated.

Odoo's `subscription_state`: in progress (`3_progress`) is rated. A quotation (`1_draft`, `2_renewal`,
`7_upsell`) never was. One that is paused (`4_paused`), renewed into another (`5_renewed`) or churned
(`6_churn`) is rated for what was used before it stopped, so that its last invoice is right, and for nothing
after; ratings that exist stay. One that goes on after a pause is rated again as if it had not paused.
"""

from datetime import UTC, datetime

IN_PROGRESS = "3_progress"
OVER = frozenset({"5_renewed", "6_churn"})
"""States in which nothing more will be rated, unless Odoo opens the subscription again."""

NEVER = datetime.min.replace(tzinfo=UTC)
"""Until when a subscription is rated that never went: before all usage."""


def stopped_at(state: str, previous: str | None, previously: datetime | None, now: datetime) -> datetime | None:
    """Return when a subscription now in `state` stopped, None if it goes on or never went.

    `previous` is the state it was in when last seen, `previously` what this said then.
    """
    if state == IN_PROGRESS:
        return None
    return now if previous == IN_PROGRESS else previously


def rated_until(state: str, stopped: datetime | None, ends: datetime | None) -> datetime | None:
    """Return the instant from which on usage, by its window's start, is not rated; None where there is none.

    `stopped` is what `stopped_at` said, `ends` the first instant after the subscription's end, if it has one.
    """
    if state == IN_PROGRESS:
        return ends
    until = NEVER if stopped is None else stopped
    return until if ends is None else min(until, ends)


def accepted_until(state: str, stopped: datetime | None, ends: datetime | None) -> datetime | None:
    """Return the instant from which on usage, by its window's start, is refused; None where there is none.

    As `rated_until` for a subscription that is over. One that is paused, or still a quotation, may go on: its
    usage is accepted, and rated then.
    """
    return rated_until(state, stopped, ends) if state in OVER else ends
