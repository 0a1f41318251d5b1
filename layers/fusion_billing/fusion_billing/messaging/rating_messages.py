"""Messages on the rating queue: what to rate."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from fusion_billing.billing.planning import HOUR, Hours, hour_text, parse_hour
from fusion_billing.billing.rating import Cause
from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.json_types import JsonMapping, JsonObject
from fusion_billing.messaging.json_fields import given_fields

_LONGEST = 24  # hours in one message, so that a run after a long standstill is spread over many workers


@dataclass(frozen=True, slots=True, kw_only=True)
class HourJob:
    """Rate what changed in `hours` hours from `hour` on, in one shard, each pair once.

    Attributes:
        is_urgent: Whether only pairs are rated that are rated hourly; the others are in a later message.
        after: The pair to go on after.
        part: The hour that a run counts the message under, if an earlier release continued it in another one.
        run: The run on demand that it belongs to.
    """

    name: ClassVar[str] = "hour"
    hour: datetime
    shard: int
    hours: int = 1
    is_urgent: bool = False
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

    @property
    def covered(self) -> Hours:
        """Return the hours."""
        return Hours(self.hour, self.hour + (self.hours - 1) * HOUR)

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        return {
            "job": self.name,
            "hour": hour_text(self.hour),
            **({"hours": self.hours} if self.hours > 1 else {}),
            "shard": self.shard,
            **({"urgent": True} if self.is_urgent else {}),
            **given_fields(part=self.part, after_pair=self.after, run=self.run),
        }

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
        """Read a message; one that an earlier release continued (`after`, in `hour` alone) begins anew."""
        return cls(
            hour=parse_hour(message["hour"]),
            shard=int(message["shard"]),
            hours=int(message.get("hours", 1)),
            is_urgent=bool(message.get("urgent")),
            after=message.get("after_pair"),
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

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        return {"job": self.name, "pairs": list(self.pairs)}

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
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

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        given = given_fields(charge=self.charge, after=self.after, run=self.run)
        return {"job": self.name, "list_shard": self.list_shard, **given}

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
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

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        given = given_fields(charge=self.charge, cause=self.because, run=self.run)
        return {"job": self.name, "id": self.subscription, **given}

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
        """Read a message."""
        return cls(
            subscription=str(message["id"]),
            charge=message.get("charge"),
            because=message.get("cause"),
            run=message.get("run"),
        )


def hour_jobs(hours: Hours, shards: int, *, is_urgent: bool = False) -> list[HourJob]:
    """Return the messages for `hours`: one a shard, and one more for each further day of them."""
    return [
        HourJob(
            hour=hours.first + first * HOUR,
            shard=shard,
            hours=min(_LONGEST, hours.count - first),
            is_urgent=is_urgent,
        )
        for first in range(0, hours.count, _LONGEST)
        for shard in range(shards)
    ]


def sweep_jobs(charge: str | None = None) -> list[SweepJob]:
    """Return the messages that rate the open periods of all subscriptions, or one charge of them."""
    return [SweepJob(list_shard=shard, charge=charge) for shard in range(LIST_SHARDS)]
