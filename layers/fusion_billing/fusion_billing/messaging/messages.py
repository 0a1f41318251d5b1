"""Messages on the rating queue and the relay queue, typed (docs/data-model.md, Queues).

A message is JSON, `{"job": "<name>", ...}`. Each kind is a frozen dataclass whose `to_json` leaves out what has its
default; `rating_job` and `relay_job` read a message. Messages that an earlier release sent are read as well, so a
field may be added with a default, but never be renamed or removed.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fusion_billing.json_types import JsonMapping
from fusion_billing.messaging.rating_messages import HourJob, PairsJob, SubscriptionJob, SweepJob
from fusion_billing.messaging.relay_messages import (
    CloseJob,
    DeliveriesJob,
    GuardJob,
    InvoicesJob,
    LinesJob,
    SyncJob,
)

Read = TypeVar("Read")

RatingJob = HourJob | PairsJob | SweepJob | SubscriptionJob
RelayQueueJob = LinesJob | DeliveriesJob | SyncJob | InvoicesJob | CloseJob | GuardJob
Job = RatingJob | RelayQueueJob

_RATING: dict[str, Callable[[JsonMapping], RatingJob]] = {
    job.name: job.from_json for job in (HourJob, PairsJob, SweepJob, SubscriptionJob)
}
_RELAY: dict[str, Callable[[JsonMapping], RelayQueueJob]] = {
    job.name: job.from_json for job in (LinesJob, DeliveriesJob, SyncJob, InvoicesJob, CloseJob, GuardJob)
}


def rating_job(message: object) -> RatingJob:
    """Read a message of the rating queue; raises `ValueError` if its job is unknown."""
    return _read(message, _RATING, "rating queue")


def relay_job(message: object) -> RelayQueueJob:
    """Read a message of the relay queue; raises `ValueError` if its job is unknown."""
    return _read(message, _RELAY, "relay queue")


def _read(message: Any, readers: Mapping[str, Callable[[Mapping[str, Any]], Read]], queue: str) -> Read:
    job = message.get("job") if isinstance(message, dict) else None
    reader = readers.get(job) if isinstance(job, str) else None
    if reader is None:
        raise ValueError(f"Unknown job in the {queue}: {job!r}")
    return reader(message)
