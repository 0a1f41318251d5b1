"""The schedule's side of rating: hands out the hours that are complete, and once a day every subscription."""

from datetime import datetime, timedelta

from functions.rate.ports import PlannerState, Queue
from fusion_billing.billing.planning import Hours, hour_messages, settled_hours, sweep_messages


def plan(state: PlannerState, queue: Queue, *, now: datetime, shards: int, settling: timedelta) -> Hours:
    """Send the shards of every hour that is complete and not planned yet; return those hours.

    The watermark moves on after all were sent: a planner killed in between is repeated whole, which
    rates some pairs twice and changes nothing.
    """
    watermark = state.watermark()
    earliest = state.markers_since() if watermark is None else watermark
    hours = settled_hours(watermark, earliest, now, settling)
    if hours.count:
        queue.send(hour_messages(hours, shards))
        state.advance(hours.last)
    return hours


def sweep(queue: Queue) -> int:
    """Have every subscription's open period rated anew; return how many messages that took."""
    return queue.send(sweep_messages())
