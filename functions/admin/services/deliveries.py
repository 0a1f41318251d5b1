"""List deliveries, and replay one or all since a time. One function per use case."""

from datetime import datetime
from typing import NotRequired, TypedDict

from functions.admin.cursors import bad_cursor
from functions.admin.services.delivery_json import DeliveryJson, delivery_json
from functions.admin.services.endpoints import find, refuse_disabled
from functions.admin.webhook_ports import Deliveries, Endpoints, StoredEvents, WakeUps
from fusion_billing.access.principal import Principal
from fusion_billing.audit.recorder import Record, unrecorded
from fusion_billing.errors import NotFound
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import DeliveryState

MOST_REPLAYED = 500
_PAGE = 100


class ReplayJson(TypedDict):
    """The number of deliveries that are sent again; `next_since` is where the next call continues, if any."""

    replayed: int
    next_since: NotRequired[str]


def listing(
    endpoints: Endpoints,
    deliveries: Deliveries,
    events: StoredEvents,
    principal: Principal,
    endpoint_id: str,
    *,
    state: DeliveryState | None,
    type_: str | None,
    since: datetime | None,
    limit: int,
    after: str | None,
) -> tuple[list[DeliveryJson], str | None]:
    """Return a page of an endpoint's deliveries with the bodies sent, the newest first, and the event to go on after.

    The body of an event that has expired is null. Raises `NotFound` where the endpoint is none of the principal's.
    """
    endpoint = find(endpoints, principal, endpoint_id)
    first = "" if since is None else identifiers.first_event_id(since)
    if after is not None and not (identifiers.is_event_id(after) and after >= first):
        raise bad_cursor()
    states = None if state is None else frozenset({state})
    found, last = deliveries.listing(
        endpoint.id,
        limit=limit,
        after=after,
        since=since,
        states=states,
        type_=type_,
        visible_to=None if principal.is_operator else endpoint,
    )
    bodies = events.bodies([delivery.event for delivery in found])
    return [_with_body(delivery, bodies.get(delivery.event)) for delivery in found], last


def _with_body(delivery: Delivery, body: bytes | None) -> DeliveryJson:
    return {**delivery_json(delivery), "body": None if body is None else body.decode()}


def replay(
    endpoints: Endpoints,
    deliveries: Deliveries,
    wake_ups: WakeUps,
    principal: Principal,
    delivery_id: str,
    *,
    now: datetime,
    record: Record = unrecorded,
) -> DeliveryJson:
    """Send one event to one endpoint again, under the same `webhook-id`, regardless of earlier deliveries.

    Raises `NotFound`, or `Conflict` where the endpoint is disabled.
    """
    named = identifiers.split_delivery_id(delivery_id)
    if named is None:
        raise NotFound("No such delivery")
    endpoint = find(endpoints, principal, named[0])
    refuse_disabled(endpoint)
    was = deliveries.get(*named)
    if was is None or not endpoint.may_see_delivery(was):
        raise NotFound("No such delivery")
    due_at = None if was.due_at is None else rfc3339(was.due_at)
    before = {"state": was.state, "attempt_count": was.attempt_count, "due_at": due_at}
    after = {"state": "due", "attempt_count": 0, "due_at": rfc3339(now)}
    also = record(f"deliveries/{delivery_id}", before, after)
    if not deliveries.replay(*named, now, also):
        raise NotFound("No such delivery")
    wake_ups.now([endpoint.id])
    stored = deliveries.get(*named)
    if stored is None:
        raise NotFound("No such delivery")
    return delivery_json(stored)


def replay_since(
    endpoints: Endpoints,
    deliveries: Deliveries,
    wake_ups: WakeUps,
    principal: Principal,
    endpoint_id: str,
    *,
    since: datetime,
    states: frozenset[DeliveryState],
    now: datetime,
) -> ReplayJson:
    """Send an endpoint every event since a time again, the oldest first, if its delivery is in `states`.

    Returns how many, and where there are more than one call takes on, the `since` to go on with. Raises
    `NotFound`, or `Conflict` where the endpoint is disabled.
    """
    endpoint = find(endpoints, principal, endpoint_id)
    refuse_disabled(endpoint)
    replayed, after = 0, None
    while True:
        found, after = deliveries.listing(
            endpoint.id,
            limit=_PAGE,
            after=after,
            since=since,
            states=states,
            visible_to=endpoint,
            oldest_first=True,
        )
        for delivery in found:
            replayed += deliveries.replay(delivery.endpoint, delivery.event, now)
        if after is None or replayed >= MOST_REPLAYED:
            break
    if replayed:
        wake_ups.now([endpoint.id])
    result: ReplayJson = {"replayed": replayed}
    if after is not None:
        result["next_since"] = rfc3339(found[-1].created_at)
    return result
