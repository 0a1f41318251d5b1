"""Attempt one delivery: claim it, sign and send it, store the result."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from functions.relay.delivery_ports import DeliveryEvents, DueDeliveries, EndpointEventPublisher, EndpointHealth
from fusion_billing.dynamodb.webhooks.deliveries import Due
from fusion_billing.errors import Unavailable
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import DeliveryResult, EndpointResponse, result_of
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.filters import matches
from fusion_billing.webhooks.publishing import Event
from fusion_billing.webhooks.retry_schedule import failed_too_long
from fusion_billing.webhooks.signing import sign_all

LEASE = timedelta(seconds=60)
"""The longest that an attempt may take; an older claim has expired."""

EXPIRED = "the event is not kept any more"
BEYOND_LIMITS = "the event is beyond the limits of the endpoint's source"


class Posts(Protocol):
    """Sends requests: `fusion_billing.outbound.webhook_sender.Sender`."""

    def post(self, url: str, headers: dict[str, str], body: bytes) -> EndpointResponse:
        """Send `body` and return the response; never raises for what the endpoint does."""


class Opens(Protocol):
    """Decrypts signing secrets: `fusion_billing.dynamodb.webhooks.endpoint_secrets.EndpointSecrets`."""

    def open(self, endpoint_id: str, sealed: bytes) -> str:
        """Return the secret."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of an attempt.

    Attributes:
        outcome: `skipped` if another relay run has the delivery.
        ok: Whether the endpoint is not to blame.
        seconds: How long the attempt took.
        again: When to wake the relay for the next attempt; None if its schedule is soon enough.
        disabled: Whether the endpoint is disabled now.
    """

    outcome: Literal["delivered", "retried", "failed", "skipped"]
    ok: bool
    seconds: float = 0.0
    again: datetime | None = None
    disabled: bool = False


class Attempts:
    """Attempts deliveries for one run. Used by many threads at once."""

    def __init__(
        self,
        *,
        endpoints: EndpointHealth,
        deliveries: DueDeliveries,
        events: DeliveryEvents,
        secrets: Opens,
        sender: Posts,
        outbox: EndpointEventPublisher,
        all_endpoints: list[Endpoint],
        now: Callable[[], datetime],
        random: Callable[[], float],
        token: str,
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._events = events
        self._secrets = secrets
        self._sender = sender
        self._outbox = outbox
        self._all_endpoints = all_endpoints
        self._now = now
        self._random = random
        self._token = token
        self._failing = {endpoint.id: endpoint.failing_since for endpoint in all_endpoints}
        self._known: dict[str, Event] = {}
        self._lock = threading.Lock()

    def attempt(self, endpoint: Endpoint, due: Due) -> AttemptResult:
        """Attempt a delivery that was found due. Raises `Unavailable` if KMS fails; the claim then expires."""
        delivery = self._deliveries.claim(due, token=self._token, until=self._now() + LEASE)
        if delivery is None:
            return AttemptResult("skipped", ok=True)
        if not endpoint.may_see_delivery(delivery):
            self._finish(delivery, None, DeliveryResult("failed", error=BEYOND_LIMITS))
            return AttemptResult("failed", ok=True)
        event = self._event(due.event)
        if event is None:
            self._finish(delivery, None, DeliveryResult("failed", error=EXPIRED))
            return AttemptResult("failed", ok=True)
        response = self._sender.post(endpoint.url, *self._message(endpoint, event))
        result = result_of(response, attempt_count=delivery.attempt_count + 1, now=self._now(), jitter=self._random())
        self._finish(delivery, response, result)
        disabled = self._note(endpoint, response, gone=result.gone)
        outcome = "retried" if result.state == "due" else result.state
        return AttemptResult(
            outcome,
            ok=response.success,
            seconds=response.milliseconds / 1000,
            again=result.due_at if self._wakes(endpoint) else None,
            disabled=disabled,
        )

    def _message(self, endpoint: Endpoint, event: Event) -> tuple[dict[str, str], bytes]:
        now = self._now()
        timestamp = int(now.timestamp())
        live = [self._secrets.open(endpoint.id, secret.sealed) for secret in endpoint.secrets if secret.is_active(now)]
        if not live:
            raise Unavailable("the endpoint has no live secret")
        headers = {
            "content-type": "application/json",
            "webhook-id": event.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign_all(live, event.id, timestamp, event.body),
        }
        return headers, event.body

    def _event(self, event_id: str) -> Event | None:
        with self._lock:
            known = self._known.get(event_id)
        if known is None:
            known = self._events.get(event_id)
            if known is not None:
                with self._lock:
                    if len(self._known) >= _EVENTS_REMEMBERED:
                        self._known.clear()
                    self._known[event_id] = known
        return known

    def _finish(self, delivery: Delivery, response: EndpointResponse | None, result: DeliveryResult) -> None:
        self._deliveries.finish(
            delivery, token=self._token, response=response, result=result, now=self._now().astimezone(UTC)
        )

    def _note(self, endpoint: Endpoint, response: EndpointResponse, *, gone: bool) -> bool:
        """Record what an attempt says about its endpoint; return whether the endpoint is disabled now."""
        if response.success:
            with self._lock:
                was_failing = self._failing.get(endpoint.id) is not None
                self._failing[endpoint.id] = None
            if was_failing:
                self._endpoints.note_success(endpoint.id)
            return False
        if gone:
            return self._disable(endpoint, "gone", self._failing.get(endpoint.id))
        since = self._failing.get(endpoint.id)
        if since is None:
            since = self._endpoints.note_failure(endpoint.id, self._now())
            with self._lock:
                self._failing[endpoint.id] = since
        if since is not None and failed_too_long(since, self._now()):
            return self._disable(endpoint, "failing", since)
        return False

    def _wakes(self, endpoint: Endpoint) -> bool:
        return replace(endpoint, failing_since=self._failing.get(endpoint.id)).starts_relay(self._now())

    def _disable(self, endpoint: Endpoint, reason: str, since: datetime | None) -> bool:
        now = self._now()
        disabled = replace(endpoint, state="disabled", disabled_at=now, disabled_reason=reason)
        listening = [
            disabled if other.id == endpoint.id else other
            for other in self._all_endpoints
            if other.source == endpoint.source and matches(other.events, "endpoint.disabled")
        ]
        data = {
            "endpoint": endpoint.id,
            "url": endpoint.url,
            "reason": reason,
            "disabled_at": rfc3339(now),
            "failing_since": None if since is None else rfc3339(since),
        }
        prepared = self._outbox.prepare_for("endpoint.disabled", endpoints=listening, data=data, now=now)
        if self._endpoints.disable(disabled, prepared.writes):
            self._outbox.wake_up(prepared)
        return True


_EVENTS_REMEMBERED = 1000
