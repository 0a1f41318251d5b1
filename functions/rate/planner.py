"""The schedule's side of rating: hands out the hours that are complete, and once a day every subscription."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from fusion_billing.billing.planning import Hours, hour_messages, settled_hours, sweep_messages


class Watermark(Protocol):
    """What is needed of `dynamodb.state.planner.PlannerState`."""

    def watermark(self) -> datetime | None:
        """Return the last hour planned."""

    def advance(self, hour: datetime) -> None:
        """Note that all hours up to `hour` are planned."""

    def markers_since(self) -> datetime:
        """Return when markers began."""


class Sender(Protocol):
    """What is needed of `messaging.queue.Queue`."""

    def send(self, messages: Iterable[Mapping[str, Any]]) -> int:
        """Send messages; raises `Unavailable` where some were not taken."""


def plan(state: Watermark, queue: Sender, *, now: datetime, shards: int, settling: timedelta) -> Hours:
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


def sweep(queue: Sender) -> int:
    """Have every subscription's open period rated anew; return how many messages that took."""
    return queue.send(sweep_messages())
