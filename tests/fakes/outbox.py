"""The outbox of events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.events.registry import check
from fusion_billing.webhooks.publishing import Event, Prepared, TransactionWrite


@dataclass(frozen=True)
class FakeEvent:
    """An event that was prepared."""

    type: str
    subscription: str | None
    plan: str | None
    metric: str | None
    data: Mapping[str, object]


@dataclass
class FakeOutbox:
    """An outbox that keeps the events it prepares, each a valid one; `has_listeners`: they come with writes."""

    has_listeners: bool = False
    events: list[FakeEvent] = field(default_factory=list)
    woken_up_for: list[str] = field(default_factory=list)

    def prepare(
        self,
        type: str,  # noqa: A002  the port's name
        *,
        subscription: str | None,
        plan: str | None,
        metric: str | None,
        data: Mapping[str, object],
        now: datetime,
    ) -> Prepared:
        listeners = ("ep_1",) if self.has_listeners else ()
        return self._prepared(FakeEvent(type, subscription, plan, metric, dict(data)), listeners)

    def prepare_for(
        self,
        type: str,  # noqa: A002  the port's name
        *,
        endpoints: Sequence[Endpoint],
        data: Mapping[str, object],
        now: datetime,
    ) -> Prepared:
        listeners = tuple(endpoint.id for endpoint in endpoints)
        return self._prepared(FakeEvent(type, None, None, None, dict(data)), listeners)

    def _prepared(self, event: FakeEvent, listeners: tuple[str, ...]) -> Prepared:
        about = {} if event.subscription is None else {"subscription": event.subscription}
        check(event.type, {**about, **event.data})
        self.events.append(event)
        if not listeners:
            return Prepared(writes=[])
        return Prepared(writes=[event], endpoints=listeners, event_id=f"evt_{len(self.events)}")

    def wake_up(self, prepared: Prepared) -> None:
        if prepared.event_id is not None:
            self.woken_up_for.append(prepared.event_id)

    def data_of(self, type_: str) -> list[Mapping[str, object]]:
        """Return the data of the events of a type, the oldest first."""
        return [event.data for event in self.events if event.type == type_]


@dataclass
class FakeOutboxGateway:
    """What an outbox stores with, in memory; a write is the ID of the event, or of an endpoint, that it is of.

    Attributes:
        stored: Events, the IDs of their endpoints, and whether their deliveries were written with them.
    """

    known: Sequence[Endpoint] = ()
    sequences: dict[str, int] = field(default_factory=dict)
    woken_up: list[str] = field(default_factory=list)
    stored: list[tuple[Event, list[str], bool]] = field(default_factory=list)

    def endpoints(self) -> Sequence[Endpoint]:
        return self.known

    def next_sequence(self, subscription: str) -> int:
        self.sequences[subscription] = self.sequences.get(subscription, 0) + 1
        return self.sequences[subscription]

    def event_writes(self, event: Event, endpoints: Sequence[Endpoint], *, direct: bool) -> list[TransactionWrite]:
        self.stored.append((event, [endpoint.id for endpoint in endpoints], direct))
        return [event.id, *(endpoint.id for endpoint in endpoints if direct)]

    def wake_up(self, endpoints: Iterable[str]) -> None:
        self.woken_up.extend(endpoints)
