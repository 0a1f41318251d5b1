"""The outbox: an event and its deliveries, written in one transaction with the change that they report.

::

    prepared = outbox.prepare("rating.updated", subscription="42", plan="Pro", metric="api_calls",
                              data={...}, now=now)
    dynamodb.transact_write_items(TransactItems=[the_rating, *prepared.writes])
    outbox.wake_up(prepared)

If no endpoint listens, nothing is stored, and `prepared.writes` is empty. A lost wake-up message costs two minutes,
never an event: the relay's schedule finds the deliveries by their due time.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fusion_billing.application.ports import OutboxGateway
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.endpoint import Endpoint, subscribed_endpoints
from fusion_billing.webhooks.publishing import NOTHING, Event, Prepared

DIRECT_DELIVERIES = 25
"""The most deliveries in the caller's transaction, which takes 100 writes. An event with more listeners names them
instead, and the relay writes the deliveries."""


class Outbox:
    """Prepares events, and wakes the relay once they are stored."""

    def __init__(self, gateway: OutboxGateway, *, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._gateway = gateway
        self._random = random

    def prepare(
        self,
        type: str,  # noqa: A002  what the payload calls it
        *,
        subscription: str | None,
        plan: str | None,
        metric: str | None,
        data: Mapping[str, object],
        now: datetime,
    ) -> Prepared:
        """Return the writes for an event of `type` about `subscription`, for the endpoints that may see it.

        Each source's limits on `subscription`, `plan` and `metric` decide that. `data` has the members that the
        event type defines (JSON types, decimals as text); `subscription` and `sequence` are added here.
        Raises `ValueError` if `data` does not match the event type.
        """
        listening = subscribed_endpoints(
            self._gateway.endpoints(), type, subscription=subscription, plan=plan, metric=metric
        )
        return self._prepare(type, _About(subscription, plan, metric), data, listening, now)

    def prepare_for(
        self,
        type: str,  # noqa: A002
        *,
        endpoints: Sequence[Endpoint],
        data: Mapping[str, object],
        now: datetime,
    ) -> Prepared:
        """Return the writes for an event about an endpoint, for the `endpoints` given alone."""
        return self._prepare(type, _About(), data, endpoints, now)

    def wake_up(self, prepared: Prepared) -> None:
        """Wake the relay for the first attempts; call it after the transaction. Never raises an error of AWS."""
        if prepared.endpoints:
            self._gateway.wake_up(prepared.endpoints)

    def _prepare(
        self,
        type_: str,
        about: "_About",
        data: Mapping[str, Any],
        listening: Sequence[Endpoint],
        now: datetime,
    ) -> Prepared:
        # Imported here: pydantic is a fifth of a cold start, and most calls publish no event.
        from fusion_billing.webhooks.events.registry import check  # noqa: PLC0415

        subscription = about.subscription
        content = dict(data) if subscription is None else {"subscription": subscription, **data}
        check(type_, content)
        if not listening:
            return NOTHING
        if subscription is not None:
            content["sequence"] = self._gateway.next_sequence(subscription)
        event = Event(
            id=identifiers.event_id(now, self._random(identifiers.RANDOM_BYTES)),
            type=type_,
            subscription=subscription,
            body=payload(type_, now, content),
            at=now,
            plan=about.plan,
            metric=about.metric,
        )
        direct = len(listening) <= DIRECT_DELIVERIES
        # Deliveries to a disabled endpoint wait until it is enabled again, and attempts at an endpoint that only
        # fails would take the time of the others.
        awake = [endpoint.id for endpoint in listening if endpoint.starts_relay(now)]
        return Prepared(
            writes=self._gateway.event_writes(event, listening, direct=direct),
            endpoints=tuple(awake if direct else awake[:1]),
            event_id=event.id,
        )


@dataclass(frozen=True, slots=True)
class _About:
    """What an event is about; None: nothing of that kind."""

    subscription: str | None = None
    plan: str | None = None
    metric: str | None = None


def payload(type_: str, at: datetime, data: Mapping[str, object]) -> bytes:
    """Return the body of an event, `{type, timestamp, data}`, as it is stored, signed and sent."""
    document = {"type": type_, "timestamp": rfc3339(at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
