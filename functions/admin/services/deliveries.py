"""Deliveries: seen, and replayed one by one or since a time. One function a use case."""

from datetime import datetime
from typing import Any

from functions.admin.cursors import bad_cursor
from functions.admin.services.endpoints import find, refuse_disabled
from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.outbox import WakeUps
from fusion_billing.errors import NotFound
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import Attempt, DeliveryState

MOST_REPLAYED = 500
_PAGE = 100


def listing(
    endpoints: EndpointStore,
    deliveries: DeliveryStore,
    principal: Principal,
    endpoint_id: str,
    *,
    state: DeliveryState | None,
    type_: str | None,
    since: datetime | None,
    limit: int,
    after: str | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of an endpoint's deliveries, the newest first, and the event to go on after.

    Raises `NotFound` where the endpoint is none of the principal's.
    """
    endpoint = find(endpoints, principal, endpoint_id)
    first = "" if since is None else identifiers.first_event_id(since)
    if after is not None and not (identifiers.is_event_id(after) and after >= first):
        raise bad_cursor()
    states = None if state is None else frozenset({state})
    found, last = deliveries.listing(endpoint.id, limit=limit, after=after, since=since, states=states, type_=type_)
    return [as_json(one) for one in found], last


def replay(
    endpoints: EndpointStore,
    deliveries: DeliveryStore,
    wake_ups: WakeUps,
    principal: Principal,
    delivery_id: str,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Send one event to one endpoint again, under the same `webhook-id`, whatever became of it before.

    Raises `NotFound`, or `Conflict` where the endpoint is disabled.
    """
    named = identifiers.split_delivery_id(delivery_id)
    if named is None:
        raise NotFound("there is no such delivery")
    endpoint = find(endpoints, principal, named[0])
    refuse_disabled(endpoint)
    if not deliveries.replay(*named, now):
        raise NotFound("there is no such delivery")
    wake_ups.now([endpoint.id])
    stored = deliveries.get(*named)
    if stored is None:
        raise NotFound("there is no such delivery")
    return as_json(stored)


def replay_since(
    endpoints: EndpointStore,
    deliveries: DeliveryStore,
    wake_ups: WakeUps,
    principal: Principal,
    endpoint_id: str,
    *,
    since: datetime,
    states: frozenset[DeliveryState],
    now: datetime,
) -> dict[str, Any]:
    """Send an endpoint every event since a time again, the oldest first, if its delivery is in `states`.

    Returns how many, and where there are more than one call takes on, the `since` to go on with. Raises
    `NotFound`, or `Conflict` where the endpoint is disabled.
    """
    endpoint = find(endpoints, principal, endpoint_id)
    refuse_disabled(endpoint)
    replayed, after = 0, None
    while True:
        found, after = deliveries.listing(
            endpoint.id, limit=_PAGE, after=after, since=since, states=states, oldest_first=True
        )
        for one in found:
            replayed += deliveries.replay(one.endpoint, one.event, now)
        if after is None or replayed >= MOST_REPLAYED:
            break
    if replayed:
        wake_ups.now([endpoint.id])
    answer: dict[str, Any] = {"replayed": replayed}
    if after is not None:
        answer["next_since"] = rfc3339(found[-1].at)
    return answer


def as_json(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as it is shown; `event` is the `webhook-id` that it is sent under."""
    shown: dict[str, Any] = {
        "id": delivery.id,
        "endpoint": delivery.endpoint,
        "event": delivery.event,
        "type": delivery.type,
        "subscription": delivery.subscription,
        "state": delivery.state,
        "tries": delivery.attempt_count,
        "at": rfc3339(delivery.at),
        "due": None if delivery.due is None else rfc3339(delivery.due),
        "error": delivery.error,
        "attempts": [_attempt(one) for one in delivery.attempts],
    }
    return {name: value for name, value in shown.items() if value is not None}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "at": rfc3339(attempt.at),
        "status": attempt.status,
        "error": attempt.error,
        "duration_ms": attempt.milliseconds,
        "answer": attempt.excerpt or None,
    }
    return {name: value for name, value in shown.items() if value is not None}
