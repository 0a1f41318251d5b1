"""Plan rating: send the hours that are complete to the queue, and once a day every subscription."""

from datetime import datetime, timedelta

from functions.rate.ports import PlannerState, Queue
from fusion_billing.billing.planning import Hours, finished_hours
from fusion_billing.messaging.rating_messages import hour_jobs, sweep_jobs


def plan(state: PlannerState, queue: Queue, *, now: datetime, shards: int, settling_time: timedelta) -> Hours:
    """Send a message for each shard of every hour that is complete and not planned yet; return these hours.

    The watermark advances after all messages are sent. If the planner is killed in between, it repeats all of
    them: some pairs are rated twice, which changes nothing.
    """
    watermark = state.watermark()
    earliest = state.markers_since() if watermark is None else watermark
    hours = finished_hours(watermark, earliest, now, settling_time)
    if hours.count:
        queue.send(hour_jobs(hours, shards))
        state.advance(hours.last)
    return hours


def sweep(queue: Queue) -> int:
    """Request that every subscription's open period is rated again; return how many messages were sent."""
    return queue.send(sweep_jobs())
