"""Messages on the rating queue and the relay queue, typed (docs/data-model.md, Queues).

A message is JSON, `{"job": "<name>", ...}`. Each kind is a frozen dataclass whose `to_json` leaves out what has its
default; `rating_job` and `relay_job` read a message. Messages that an earlier release sent are read as well, so a
field may be added with a default, but never be renamed or removed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from fusion_billing.billing.planning import HOUR, LIST_SHARDS, Hours, hour_text, parse_hour
from fusion_billing.billing.rating import Cause
from fusion_billing.instants import parse_instant, rfc3339

Json = dict[str, Any]

Read = TypeVar("Read")

_LONGEST = 24  # hours in one message, so that a run after a long standstill is spread over many workers


@dataclass(frozen=True, slots=True, kw_only=True)
class HourJob:
    """Rate what changed in `hours` hours from `hour` on, in one shard.

    Attributes:
        after: The change marker to go on after.
        part: The hour that the first message of this part began with, if this one goes on.
        run: The run on demand that it belongs to.
    """

    name: ClassVar[str] = "hour"
    hour: datetime
    shard: int
    hours: int = 1
    after: str | None = None
    part: str | None = None
    run: str | None = None

    @property
    def cause(self) -> Cause:
        """Return why ratings change, as their history names it."""
        return "usage" if self.run is None else "run"

    @property
    def part_name(self) -> str:
        """Return the part of a run that this message does, and that its continuations finish."""
        return f"hour:{self.part or hour_text(self.hour)}:{self.shard}"

    def continued(self, hour: datetime, hours: int, after: str) -> Self:
        """Return the message that goes on after the marker `after` of `hour`, with `hours` hours left."""
        return replace(self, part=self.part or hour_text(self.hour), hour=hour, hours=hours, after=after)

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        return {
            "job": self.name,
            "hour": hour_text(self.hour),
            **({"hours": self.hours} if self.hours > 1 or self.part is not None else {}),
            "shard": self.shard,
            **_given(part=self.part, after=self.after, run=self.run),
        }

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        return cls(
            hour=parse_hour(message["hour"]),
            shard=int(message["shard"]),
            hours=int(message.get("hours", 1)),
            after=message.get("after"),
            part=message.get("part"),
            run=message.get("run"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsJob:
    """Rate these changed pairs, by the names of their change markers."""

    name: ClassVar[str] = "pairs"
    pairs: tuple[str, ...]
    run: ClassVar[None] = None
    cause: ClassVar[Cause] = "usage"

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        return {"job": self.name, "pairs": list(self.pairs)}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        return cls(pairs=tuple(message["pairs"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepJob:
    """Rate every subscription of a shard of the list, or one charge of each.

    Attributes:
        after: The subscription to go on after.
        run: The run on demand that it belongs to.
    """

    name: ClassVar[str] = "sweep"
    list_shard: int
    charge: str | None = None
    after: str | None = None
    run: str | None = None

    @property
    def cause(self) -> Cause:
        """Return why ratings change: one charge is rated after its definition changed."""
        return "run" if self.run is not None or self.charge is None else "definition"

    @property
    def part_name(self) -> str:
        """Return the part of a run that this message does, and that its continuations finish."""
        return f"sweep:{self.list_shard}"

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        given = _given(charge=self.charge, after=self.after, run=self.run)
        return {"job": self.name, "list_shard": self.list_shard, **given}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        return cls(
            list_shard=int(message["list_shard"]),
            charge=message.get("charge"),
            after=message.get("after"),
            run=message.get("run"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionJob:
    """Rate one subscription, or one charge of it.

    Attributes:
        because: What it follows, if that is not the subscription's own change: `invoice`.
        run: The run on demand that it belongs to.
    """

    name: ClassVar[str] = "subscription"
    subscription: str
    charge: str | None = None
    because: str | None = None
    run: str | None = None

    @property
    def cause(self) -> Cause:
        """Return why ratings change."""
        if self.run is not None:
            return "run"
        if self.charge is not None:
            return "definition"
        return "invoice" if self.because == "invoice" else "subscription"

    @property
    def part_name(self) -> str:
        """Return the part of a run that this message does."""
        return f"subscription:{self.subscription}"

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        given = _given(charge=self.charge, cause=self.because, run=self.run)
        return {"job": self.name, "id": self.subscription, **given}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        return cls(
            subscription=str(message["id"]),
            charge=message.get("charge"),
            because=message.get("cause"),
            run=message.get("run"),
        )


@dataclass(frozen=True, slots=True)
class RelayJob:
    """Send due order lines, then due deliveries: what the schedule asks for."""

    name: ClassVar[str] = "relay"

    def to_json(self) -> Json:
        """Return the event of the schedule."""
        return {"job": self.name}

    @classmethod
    def from_json(cls, _: Mapping[str, Any]) -> Self:
        """Read an event."""
        return cls()


@dataclass(frozen=True, slots=True)
class LinesJob:
    """Send due order lines."""

    name: ClassVar[str] = "lines"

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        return {"job": self.name}

    @classmethod
    def from_json(cls, _: Mapping[str, Any]) -> Self:
        """Read a message."""
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesJob:
    """Send due deliveries to these endpoints (None: to all)."""

    name: ClassVar[str] = "deliveries"
    endpoints: tuple[str, ...] | None = None

    def to_json(self) -> Json:
        """Return the message as it is sent: to one endpoint, as a wake-up message is."""
        match self.endpoints:
            case None:
                return {"job": self.name}
            case (endpoint,):
                return {"job": self.name, "endpoint": endpoint}
            case endpoints:
                return {"job": self.name, "endpoints": list(endpoints)}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        endpoint, endpoints = message.get("endpoint"), message.get("endpoints")
        if isinstance(endpoint, str):
            return cls(endpoints=(endpoint,))
        return cls(endpoints=None if endpoints is None else tuple(map(str, endpoints)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncJob:
    """Read subscriptions from Odoo: those that changed, or all (`full`).

    Attributes:
        after: The order to go on after.
        began: When the first message of this run began; later changes are the next run's.
    """

    name: ClassVar[str] = "sync"
    full: bool = False
    after: int | None = None
    began: datetime | None = None

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        began = None if self.began is None else rfc3339(self.began)
        return {"job": self.name, "full": self.full, **_given(after=self.after, began=began)}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        began = message.get("began")
        return cls(
            full=bool(message.get("full")),
            after=_integer(message.get("after")),
            began=parse_instant(began, "began") if began else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicesJob:
    """Read what Odoo's invoices hold of closed periods; `subscription` and `period_start` say which closed."""

    name: ClassVar[str] = "invoices"
    subscription: str | None = None
    period_start: datetime | None = None

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        start = None if self.period_start is None else rfc3339(self.period_start)
        return {"job": self.name, **_given(subscription=self.subscription, period_start=start)}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        start = message.get("period_start")
        return cls(
            subscription=message.get("subscription"),
            period_start=parse_instant(start, "period_start") if start else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseJob:
    """Close the last period of an ended subscription for which no final invoice will be seen."""

    name: ClassVar[str] = "close"
    subscription: str
    period_start: datetime

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        return {"job": self.name, "subscription": self.subscription, "period_start": rfc3339(self.period_start)}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        return cls(
            subscription=str(message.get("subscription")),
            period_start=parse_instant(message.get("period_start"), "period_start"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardJob:
    """Compare order lines that are not invoiced with what was rated.

    Attributes:
        subscriptions: Only of these, after a synchronization found their orders changed; None: of all.
        closing: Only of periods that end within 30 hours, or have ended and are not invoiced.
        shard, after: The shard of the list, and the subscription in it, to go on after.
        copies_after: The order line to go on after, looking for copies.
    """

    name: ClassVar[str] = "guard"
    subscriptions: tuple[str, ...] | None = None
    closing: bool = False
    shard: int = 0
    after: str | None = None
    copies_after: int | None = None

    def to_json(self) -> Json:
        """Return the message as it is sent."""
        return {
            "job": self.name,
            **_given(
                subscriptions=None if self.subscriptions is None else list(self.subscriptions),
                closing=self.closing or None,
                shard=self.shard or None,
                after=self.after,
                copies_after=self.copies_after,
            ),
        }

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Self:
        """Read a message."""
        named = message.get("subscriptions")
        shard = _integer(message.get("shard"))
        return cls(
            subscriptions=tuple(name for name in named if isinstance(name, str)) if isinstance(named, list) else None,
            closing=message.get("closing") is True,
            shard=shard if shard is not None and 0 <= shard < LIST_SHARDS else 0,
            after=message.get("after"),
            copies_after=_integer(message.get("copies_after")),
        )


RatingJob = HourJob | PairsJob | SweepJob | SubscriptionJob
RelayQueueJob = LinesJob | DeliveriesJob | SyncJob | InvoicesJob | CloseJob | GuardJob
Job = RatingJob | RelayQueueJob

_RATING: dict[str, Callable[[Mapping[str, Any]], RatingJob]] = {
    job.name: job.from_json for job in (HourJob, PairsJob, SweepJob, SubscriptionJob)
}
_RELAY: dict[str, Callable[[Mapping[str, Any]], RelayQueueJob]] = {
    job.name: job.from_json for job in (LinesJob, DeliveriesJob, SyncJob, InvoicesJob, CloseJob, GuardJob)
}


def rating_job(message: Any) -> RatingJob:
    """Read a message of the rating queue; raises `ValueError` if its job is unknown."""
    return _read(message, _RATING, "rating queue")


def relay_job(message: Any) -> RelayQueueJob:
    """Read a message of the relay queue; raises `ValueError` if its job is unknown."""
    return _read(message, _RELAY, "relay queue")


def hour_jobs(hours: Hours, shards: int) -> list[HourJob]:
    """Return the messages for `hours`: one a shard, and one more for each further day of them."""
    return [
        HourJob(hour=hours.first + first * HOUR, shard=shard, hours=min(_LONGEST, hours.count - first))
        for first in range(0, hours.count, _LONGEST)
        for shard in range(shards)
    ]


def sweep_jobs(charge: str | None = None) -> list[SweepJob]:
    """Return the messages that have the open periods of all subscriptions rated, or one charge of them."""
    return [SweepJob(list_shard=shard, charge=charge) for shard in range(LIST_SHARDS)]


def _read(message: Any, readers: Mapping[str, Callable[[Mapping[str, Any]], Read]], queue: str) -> Read:
    job = message.get("job") if isinstance(message, dict) else None
    reader = readers.get(job) if isinstance(job, str) else None
    if reader is None:
        raise ValueError(f"Unknown job in the {queue}: {job!r}")
    return reader(message)


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
