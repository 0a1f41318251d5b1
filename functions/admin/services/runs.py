"""Start rating runs on demand, and show them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypedDict

from functions.admin import ports
from fusion_billing.billing.planning import hours_until_now
from fusion_billing.dynamodb.state.runs import Run
from fusion_billing.errors import NotFound
from fusion_billing.messaging.rating_messages import HourJob, SubscriptionJob, SweepJob, hour_jobs, sweep_jobs

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 1.0
_FEW_HOURS = 4  # past this many, looking which shards are empty takes longer than letting workers find out


class RunJson(TypedDict):
    """A run. The counts cover the finished tasks."""

    run: str
    status: Literal["running", "done"]
    started_at: str
    remaining_tasks: int
    evaluated: int
    changed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Runs:
    """What a run works with. `wait` is how many seconds a response may take; `pause` sleeps."""

    store: ports.Runs
    planner: ports.PlannerState
    queue: ports.Queue
    pairs: ports.MarkedPairs
    subscriptions: ports.SubscriptionList
    shards: int
    wait: float
    clock: Callable[[], float]
    pause: Callable[[float], None]


def start(runs: Runs, id_: str, now: datetime, *, subscription: str | None, sweep: bool) -> Run:
    """Start a run of one subscription, or of all that the schedule would rate, and wait for it a while.

    All means every hour since the last one planned, the present one included, settled or not, and with
    `sweep` every subscription's open period. The planner's watermark stays where it is.
    """
    if subscription is not None:
        jobs: list[HourJob | SweepJob | SubscriptionJob] = [SubscriptionJob(subscription=subscription)]
    else:
        jobs = [*_marked_hours(runs, now), *(_sweeps(runs) if sweep else ())]
    runs.store.begin(id_, [job.part_name for job in jobs], now)
    runs.queue.send(replace(job, run=id_) for job in jobs)
    return _waited(runs, id_)


def _marked_hours(runs: Runs, now: datetime) -> list[HourJob]:
    """Return the messages for the hours since the watermark, but for shards that can be seen to be empty."""
    watermark = runs.planner.watermark()
    earliest = runs.planner.markers_since() if watermark is None else watermark
    hours = hours_until_now(watermark, earliest, now)
    jobs = hour_jobs(hours, runs.shards)
    if hours.count > _FEW_HOURS:
        return jobs
    marked = runs.pairs.marked_shards(list(hours))
    return [job for job in jobs if job.shard in marked]


def _sweeps(runs: Runs) -> Iterator[SweepJob]:
    """Yield the messages for the shards of the list that hold any subscription."""
    for job in sweep_jobs():
        page, _ = runs.subscriptions.listing(job.list_shard, None, 1)
        if page:
            yield job


def get(store: ports.Runs, id_: str) -> Run:
    """Return a run; raises `NotFound`, a week after it as well."""
    run = store.get(id_)
    if run is None:
        raise NotFound(f"No such run: {id_}")
    return run


def as_json(run: Run) -> RunJson:
    """Return a run as the API shows it."""
    return {
        "run": run.id,
        "status": "done" if run.done else "running",
        "started_at": run.started_at,
        "remaining_tasks": len(run.remaining_tasks),
        "evaluated": run.counts["evaluated"],
        "changed": run.counts["changed"],
        "failed": run.counts["failed"],
    }


def _waited(runs: Runs, id_: str) -> Run:
    until = runs.clock() + runs.wait
    pause = _FIRST_PAUSE
    while True:
        run = get(runs.store, id_)
        if run.done or runs.clock() + pause >= until:
            return run
        runs.pause(pause)
        pause = min(_LONGEST_PAUSE, pause * 1.5)
