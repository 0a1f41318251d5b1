"""Webhooks: endpoints, their secrets, events, deliveries, and the receivers at the other end."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from fusion_billing.dynamodb.webhooks.deliveries import Due
from fusion_billing.errors import Conflict, Unavailable
from fusion_billing.instants import sortable
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import (
    Attempt,
    DeliveryResult,
    DeliveryState,
    EndpointResponse,
    recent_attempts,
)
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.filters import matches
from fusion_billing.webhooks.publishing import Event

DeliveryKey = tuple[str, str]


@dataclass
class FakeEndpoints:
    """Endpoints in memory; `events` are those that were stored with a change."""

    items: dict[str, Endpoint] = field(default_factory=dict)
    events: list[object] = field(default_factory=list)

    def get(self, endpoint_id: str) -> Endpoint | None:
        return self.items.get(endpoint_id)

    def all(self) -> list[Endpoint]:
        return [self.items[id_] for id_ in sorted(self.items)]

    def listing(self, *, source: str | None, limit: int, after: str | None) -> tuple[list[Endpoint], str | None]:
        found = [
            endpoint
            for endpoint in self.all()
            if source in {None, endpoint.source} and (after is None or endpoint.id > after)
        ]
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def create(self, endpoint: Endpoint, also: Sequence[object] = ()) -> None:
        self.items[endpoint.id] = endpoint

    def replace(self, endpoint: Endpoint, *, forget_failures: bool = False, also: Sequence[object] = ()) -> Endpoint:
        stored = self.items.get(endpoint.id)
        if stored is None or stored.version != endpoint.version:
            raise Conflict("The endpoint was changed by another request: read it again")
        failing_since = None if forget_failures else stored.failing_since
        new = replace(endpoint, version=endpoint.version + 1, failing_since=failing_since)
        self.items[endpoint.id] = new
        return new

    def delete(self, endpoint_id: str, also: Sequence[object] = ()) -> None:
        self.items.pop(endpoint_id, None)

    def note_failure(self, endpoint_id: str, now: datetime) -> datetime | None:
        stored = self.items.get(endpoint_id)
        if stored is None:
            return None
        since = stored.failing_since or now
        self.items[endpoint_id] = replace(stored, failing_since=since)
        return since

    def note_success(self, endpoint_id: str) -> None:
        if endpoint_id in self.items:
            self.items[endpoint_id] = replace(self.items[endpoint_id], failing_since=None)

    def disable(self, endpoint: Endpoint, writes: Sequence[object]) -> bool:
        stored = self.items.get(endpoint.id)
        if stored is None or not stored.enabled:
            return False
        self.items[endpoint.id] = replace(
            stored,
            state="disabled",
            disabled_at=endpoint.disabled_at,
            disabled_reason=endpoint.disabled_reason,
            version=stored.version + 1,
        )
        self.events += writes
        return True


@dataclass
class FakeDeliveries:
    """Deliveries in memory; `claims` are the tokens of the runs that are at work on one."""

    items: dict[DeliveryKey, Delivery] = field(default_factory=dict)
    claims: dict[DeliveryKey, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()

    def put(self, endpoint: str, event: Event) -> None:
        """Store a new delivery, due at the time of its event."""
        self.items[endpoint, event.id] = Delivery(
            endpoint, event.id, event.type, "due", 0, event.at, event.subscription, event.at
        )

    def due(self, endpoint_id: str, now: datetime, *, limit: int) -> list[Due]:
        found = sorted(
            (delivery.due_at, delivery.event)
            for delivery in self.items.values()
            if delivery.endpoint == endpoint_id
            and delivery.state == "due"
            and delivery.due_at is not None
            and delivery.due_at <= now
        )
        return [Due(endpoint_id, event, sortable(due)) for due, event in found[:limit]]

    def claim(self, found: Due, *, token: str, until: datetime) -> Delivery | None:
        with self._lock:
            delivery = self._still_due(found)
            if delivery is None:
                return None
            claimed = replace(delivery, due_at=until)
            key = found.endpoint, found.event
            self.items[key], self.claims[key] = claimed, token
            return claimed

    def finish(
        self,
        delivery: Delivery,
        *,
        token: str,
        response: EndpointResponse | None,
        result: DeliveryResult,
        now: datetime,
    ) -> bool:
        with self._lock:
            key = delivery.endpoint, delivery.event
            if self.claims.get(key) != token:
                return False
            del self.claims[key]
            attempts = delivery.attempts
            if response is not None:
                attempts += (Attempt(now, response.status, response.milliseconds, response.error, response.excerpt),)
            self.items[key] = replace(
                delivery,
                state=result.state,
                attempt_count=delivery.attempt_count + (response is not None),
                due_at=result.due_at,
                error=result.error,
                attempts=recent_attempts(attempts, now),
            )
            return True

    def fail(self, found: Due, *, reason: str) -> bool:
        with self._lock:
            delivery = self._still_due(found)
            if delivery is None:
                return False
            key = found.endpoint, found.event
            self.items[key] = replace(delivery, state="failed", due_at=None, error=reason)
            self.claims.pop(key, None)
            return True

    def replay(self, endpoint_id: str, event_id: str, now: datetime, also: Sequence[object] = ()) -> bool:
        delivery = self.items.get((endpoint_id, event_id))
        if delivery is None:
            return False
        self.items[endpoint_id, event_id] = replace(delivery, state="due", due_at=now, attempt_count=0, error=None)
        return True

    def get(self, endpoint_id: str, event_id: str) -> Delivery | None:
        return self.items.get((endpoint_id, event_id))

    def listing(
        self,
        endpoint_id: str,
        *,
        limit: int,
        after: str | None = None,
        since: datetime | None = None,
        states: frozenset[DeliveryState] | None = None,
        type_: str | None = None,
        visible_to: Endpoint | None = None,
        oldest_first: bool = False,
    ) -> tuple[list[Delivery], str | None]:
        first = "" if since is None else identifiers.first_event_id(since)
        found = [
            delivery
            for (owner, event), delivery in sorted(self.items.items(), reverse=not oldest_first)
            if owner == endpoint_id
            and event >= first
            and (after is None or (event > after if oldest_first else event < after))
            and (states is None or delivery.state in states)
            and (type_ is None or matches([type_], delivery.type))
            and (visible_to is None or visible_to.may_see_delivery(delivery))
        ]
        return found[:limit], found[limit - 1].event if len(found) > limit else None

    def _still_due(self, found: Due) -> Delivery | None:
        delivery = self.items.get((found.endpoint, found.event))
        if delivery is None or delivery.state != "due" or delivery.due_at is None:
            return None
        return delivery if sortable(delivery.due_at) == found.due_at else None


@dataclass
class FakeEvents:
    """Events in memory; `fans` are the endpoints of events whose deliveries are still to be written."""

    deliveries: FakeDeliveries
    items: dict[str, Event] = field(default_factory=dict)
    fans: dict[str, list[str]] = field(default_factory=dict)
    written: list[object] = field(default_factory=list)

    def get(self, event_id: str) -> Event | None:
        return self.items.get(event_id)

    def bodies(self, event_ids: Sequence[str]) -> dict[str, bytes]:
        return {id_: self.items[id_].body for id_ in event_ids if id_ in self.items}

    def write(self, writes: Sequence[object]) -> None:
        self.written += writes

    def to_fan_out(self, limit: int) -> list[str]:
        return sorted(self.fans)[:limit]

    def fan_out(self, event_id: str, endpoints: Iterable[Endpoint]) -> list[str]:
        listed = self.fans.pop(event_id, [])
        woken = [endpoint.id for endpoint in endpoints if endpoint.id in listed]
        for endpoint in woken:
            self.deliveries.put(endpoint, self.items[event_id])
        return woken


@dataclass
class FakeEndpointSecrets:
    """Signing secrets that are sealed by turning them around; `is_down` is a KMS that does not respond."""

    is_down: bool = False

    def seal(self, endpoint_id: str, secret: str) -> bytes:
        self._check()
        return secret[::-1].encode("ascii")

    def open(self, endpoint_id: str, sealed: bytes) -> str:
        self._check()
        return sealed.decode("ascii")[::-1]

    def _check(self) -> None:
        if self.is_down:
            raise Unavailable("The signing secret could not be encrypted: send the request again")


@dataclass(frozen=True)
class Message:
    """A message that a receiver got."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeSender:
    """Receivers by URL: `responses` are the next ones of each, 200 when there are none.

    Args:
        after_post: Runs after each message.
    """

    responses: dict[str, list[EndpointResponse]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    after_post: Callable[[], object] = lambda: None

    def post(self, url: str, headers: dict[str, str], body: bytes) -> EndpointResponse:
        self.messages.append(Message(url, headers, body))
        self.after_post()
        queued = self.responses.get(url)
        return queued.pop(0) if queued else EndpointResponse(200, milliseconds=20)


@dataclass
class FakeWakeUps:
    """The wake-ups that were sent: one list for each call, without the calls that sent none."""

    sent: list[list[tuple[str, int]]] = field(default_factory=list)

    def after(self, delays: Iterable[tuple[str, int]]) -> None:
        requested = list(delays)
        if requested:
            self.sent.append(requested)

    def now(self, endpoints: Iterable[str]) -> None:
        self.after((endpoint, 0) for endpoint in endpoints)


@dataclass
class FakeEndpointLeases:
    """Leases of endpoints; `taken` are those that another run holds, `requested` those with a note on them."""

    taken: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    requested: set[str] = field(default_factory=set)

    def take(self, endpoint_id: str, *, token: str, now: datetime, until: datetime) -> bool:
        if endpoint_id in self.taken:
            self.requested.add(endpoint_id)
            return False
        self.held.add(endpoint_id)
        return True

    def give_back(self, endpoint_id: str, *, token: str) -> bool:
        self.held.discard(endpoint_id)
        was_requested = endpoint_id in self.requested
        self.requested.discard(endpoint_id)
        return was_requested
