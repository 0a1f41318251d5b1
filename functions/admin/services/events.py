"""List and show events, found by their deliveries, so that no event costs a write to be listed."""

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NotRequired, TypedDict

from functions.admin.cursors import bad_cursor
from functions.admin.webhook_ports import Deliveries, Endpoints, StoredEvents
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.identifiers import MAX_ENDPOINTS
from fusion_billing.errors import NotFound
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.endpoint import Endpoint

_PAGE = 50
_ENDPOINTS = MAX_ENDPOINTS
_MOST_READ = 2_000
"""Deliveries that are read for one page, however few of them match."""


class EventDeliveryJson(TypedDict):
    """The state of an event's delivery to one endpoint."""

    id: str
    endpoint: str
    state: str
    attempt_count: int


class EventJson(TypedDict):
    """An event, and its deliveries to the endpoints that the key may see; `body` is what was sent, as one shows it."""

    id: str
    type: str
    created_at: str
    deliveries: list[EventDeliveryJson]
    subscription: NotRequired[str]
    body: NotRequired[dict[str, object]]


@dataclass(frozen=True, slots=True)
class EventStores:
    """What events are read from."""

    endpoints: Endpoints
    deliveries: Deliveries
    events: StoredEvents


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are listed; `type_` is an event type, or a filter such as `rating.*`."""

    subscription: str | None = None
    type_: str | None = None
    since: datetime | None = None


def listing(
    stores: EventStores, principal: Principal, chosen: EventFilter, *, limit: int, after: str | None
) -> tuple[list[EventJson], str | None]:
    """Return a page of events that went to endpoints of the key's source, the newest first, and where it goes on.

    An operator's key sees those of every endpoint. Raises `Refused` (`bad_cursor`).
    """
    first = "" if chosen.since is None else identifiers.first_event_id(chosen.since)
    if after is not None and not (identifiers.is_event_id(after) and after >= first):
        raise bad_cursor()
    sorted_deliveries = heapq.merge(
        *(_deliveries(stores, principal, endpoint, chosen, after) for endpoint in _endpoints(stores, principal)),
        key=_event_of,
        reverse=True,
    )
    found: list[EventJson] = []
    read, last = 0, None
    for event_id, grouped in groupby(sorted_deliveries, key=_event_of):
        if len(found) >= limit or read >= _MOST_READ:
            return found, last
        deliveries = list(grouped)
        read += len(deliveries)
        last = event_id
        if chosen.subscription in {None, deliveries[0].subscription}:
            found.append(_shown(deliveries[0], deliveries))
    return found, None


def get(stores: EventStores, principal: Principal, event_id: str) -> EventJson:
    """Return an event with its body; raises `NotFound` if it went to no endpoint that the key may see."""
    found = (stores.deliveries.get(endpoint.id, event_id) for endpoint in _endpoints(stores, principal))
    by_id = {endpoint.id: endpoint for endpoint in _endpoints(stores, principal)}
    deliveries = [
        delivery
        for delivery in found
        if delivery is not None and (principal.is_operator or by_id[delivery.endpoint].may_see_delivery(delivery))
    ]
    event = stores.events.get(event_id) if deliveries or principal.is_operator else None
    if event is None:
        raise NotFound("No such event: it is older than 90 days, or went to no endpoint")
    shown: EventJson = {
        "id": event.id,
        "type": event.type,
        "created_at": rfc3339(event.at),
        "deliveries": [_delivery(delivery) for delivery in deliveries],
        "body": json.loads(event.body),
    }
    if event.subscription is not None:
        shown["subscription"] = event.subscription
    return shown


def _endpoints(stores: EventStores, principal: Principal) -> Sequence[Endpoint]:
    source = None if principal.is_operator else principal.source
    found, _ = stores.endpoints.listing(source=source, limit=_ENDPOINTS, after=None)
    return found


def _deliveries(
    stores: EventStores, principal: Principal, endpoint: Endpoint, chosen: EventFilter, after: str | None
) -> Iterator[Delivery]:
    """Yield an endpoint's deliveries that the key may see, the newest first."""
    while True:
        page, after = stores.deliveries.listing(
            endpoint.id,
            limit=_PAGE,
            after=after,
            since=chosen.since,
            type_=chosen.type_,
            visible_to=None if principal.is_operator else endpoint,
        )
        yield from page
        if after is None:
            return


def _event_of(delivery: Delivery) -> str:
    return delivery.event


def _shown(first: Delivery, deliveries: Iterable[Delivery]) -> EventJson:
    shown: EventJson = {
        "id": first.event,
        "type": first.type,
        "created_at": rfc3339(first.created_at),
        "deliveries": [_delivery(delivery) for delivery in deliveries],
    }
    if first.subscription is not None:
        shown["subscription"] = first.subscription
    return shown


def _delivery(delivery: Delivery) -> EventDeliveryJson:
    return {
        "id": delivery.id,
        "endpoint": delivery.endpoint,
        "state": delivery.state,
        "attempt_count": delivery.attempt_count,
    }
