"""Plan rating: send the hours that are complete to the queue, and once a day every subscription."""

from datetime import datetime, timedelta

from functions.rate.ports import PlannerState, Queue
from fusion_billing.billing.planning import HOUR, Hours, finished_hours
from fusion_billing.billing.rating_cadence import HOURLY, RatingCadence, remaining
from fusion_billing.messaging.rating_messages import hour_jobs, sweep_jobs

_REPEATED_AFTER_UPGRADE = 3 * HOUR
"""Hours that a worker of an earlier release may have rated without reading the markers of batches."""


def plan(
    state: PlannerState,
    queue: Queue,
    *,
    now: datetime,
    shards: int,
    settling_time: timedelta,
    cadence: RatingCadence = HOURLY,
) -> Hours:
    """Send a message for each shard of every hour that is complete and not planned yet; return these hours.

    Hours whose slot of the cadence is over are planned with all their pairs. Those of the slot under way are planned
    with the pairs that are rated hourly, and again when the slot is over.

    The watermarks advance after all messages are sent. If the planner is killed in between, it repeats all of
    them: some pairs are rated twice, which changes nothing.
    """
    watermark, urgent = state.watermark(), state.urgent_watermark()
    if watermark is not None and urgent is None:
        watermark -= _REPEATED_AFTER_UPGRADE
    earliest = state.markers_since() if watermark is None else watermark
    hours = finished_hours(watermark, earliest, now, settling_time)
    whole = cadence.whole_slots(hours)
    begun = remaining(hours, whole, urgent)
    if whole.count or begun.count:
        queue.send([*hour_jobs(whole, shards), *hour_jobs(begun, shards, is_urgent=True)])
        state.advance(whole.last if whole.count else None, urgent=hours.last)
    return Hours(hours.first if urgent is None else max(hours.first, urgent + HOUR), hours.last)


def sweep(queue: Queue) -> int:
    """Request that every subscription's open period is rated again; return how many messages were sent."""
    return queue.send(sweep_jobs())
