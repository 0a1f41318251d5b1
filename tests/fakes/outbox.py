"""The outbox of events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

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
        event = FakeEvent(type, subscription, plan, metric, dict(data))
        self.events.append(event)
        if not self.has_listeners:
            return Prepared(writes=[])
        return Prepared(writes=[event], endpoints=("we_1",), event_id=f"evt_{len(self.events)}")

    def wake_up(self, prepared: Prepared) -> None:
        if prepared.event_id is not None:
            self.woken_up_for.append(prepared.event_id)

    def data_of(self, type_: str) -> list[Mapping[str, object]]:
        """Return the data of the events of a type, the oldest first."""
        return [event.data for event in self.events if event.type == type_]
