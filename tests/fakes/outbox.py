"""The outbox of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.publishing import Prepared


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
    """An outbox that keeps the events it prepares; `has_listeners` decides whether they come with writes."""

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
