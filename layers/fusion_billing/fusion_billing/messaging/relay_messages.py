"""Messages on the relay queue: what to send to Odoo and to endpoints, and what to read from Odoo."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.json_types import JsonMapping, JsonObject
from fusion_billing.messaging.json_fields import given_fields, integer


@dataclass(frozen=True, slots=True)
class RelayJob:
    """Send due order lines, then due deliveries: what the schedule asks for."""

    name: ClassVar[str] = "relay"

    def to_json(self) -> JsonObject:
        """Return the event of the schedule."""
        return {"job": self.name}

    @classmethod
    def from_json(cls, _: JsonMapping) -> Self:
        """Read an event."""
        return cls()


@dataclass(frozen=True, slots=True)
class LinesJob:
    """Send due order lines."""

    name: ClassVar[str] = "lines"

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        return {"job": self.name}

    @classmethod
    def from_json(cls, _: JsonMapping) -> Self:
        """Read a message."""
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesJob:
    """Send due deliveries to these endpoints (None: to all)."""

    name: ClassVar[str] = "deliveries"
    endpoints: tuple[str, ...] | None = None

    def to_json(self) -> JsonObject:
        """Return the message as it is sent: to one endpoint, as a wake-up message is."""
        match self.endpoints:
            case None:
                return {"job": self.name}
            case (endpoint,):
                return {"job": self.name, "endpoint": endpoint}
            case endpoints:
                return {"job": self.name, "endpoints": list(endpoints)}

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
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

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        began = None if self.began is None else rfc3339(self.began)
        return {"job": self.name, "full": self.full, **given_fields(after=self.after, began=began)}

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
        """Read a message."""
        began = message.get("began")
        return cls(
            full=bool(message.get("full")),
            after=integer(message.get("after")),
            began=parse_instant(began, "began") if began else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicesJob:
    """Read what Odoo's invoices hold of closed periods; `subscription` and `period_start` say which closed."""

    name: ClassVar[str] = "invoices"
    subscription: str | None = None
    period_start: datetime | None = None

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        start = None if self.period_start is None else rfc3339(self.period_start)
        return {"job": self.name, **given_fields(subscription=self.subscription, period_start=start)}

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
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

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        return {"job": self.name, "subscription": self.subscription, "period_start": rfc3339(self.period_start)}

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
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

    def to_json(self) -> JsonObject:
        """Return the message as it is sent."""
        return {
            "job": self.name,
            **given_fields(
                subscriptions=None if self.subscriptions is None else list(self.subscriptions),
                closing=self.closing or None,
                shard=self.shard or None,
                after=self.after,
                copies_after=self.copies_after,
            ),
        }

    @classmethod
    def from_json(cls, message: JsonMapping) -> Self:
        """Read a message."""
        named = message.get("subscriptions")
        shard = integer(message.get("shard"))
        return cls(
            subscriptions=tuple(name for name in named if isinstance(name, str)) if isinstance(named, list) else None,
            closing=message.get("closing") is True,
            shard=shard if shard is not None and 0 <= shard < LIST_SHARDS else 0,
            after=message.get("after"),
            copies_after=integer(message.get("copies_after")),
        )
