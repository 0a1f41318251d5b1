"""Webhook endpoints, deliveries and events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fusion_billing_client._sync.transport import Resource
from fusion_billing_client.models import Delivery, Endpoint, Event, ReplayResult, Sent

_ENDPOINT = "/v1/endpoints/{endpoint}"


class Endpoints(Resource):
    """The routes of webhook endpoints."""

    def create(self, url: str, events: Sequence[str], *, description: str = "") -> Endpoint:
        """Register an endpoint; only this response holds its secret. Not repeated after a lost response."""
        body = {"url": url, "events": list(events), "description": description}
        return self._one(Endpoint, "POST", "/v1/endpoints", body=body, repeatable=False)

    def list(self, *, page_size: int | None = None) -> Iterator[Endpoint]:
        """Yield the endpoints of the key's source."""
        return self._all(Endpoint, "/v1/endpoints", page_size=page_size)

    def get(self, endpoint: str) -> Endpoint:
        """Return an endpoint."""
        return self._one(Endpoint, "GET", _ENDPOINT, {"endpoint": endpoint})

    def change(self, endpoint: str, changes: Mapping[str, Any]) -> Endpoint:
        """Change the `url`, `events`, `description` or `state` of an endpoint."""
        return self._one(Endpoint, "PATCH", _ENDPOINT, {"endpoint": endpoint}, body=changes)

    def delete(self, endpoint: str) -> None:
        """Delete an endpoint."""
        self._json("DELETE", _ENDPOINT, {"endpoint": endpoint})

    def rotate_secret(self, endpoint: str) -> Endpoint:
        """Give an endpoint a new secret; the old one signs as well for 24 hours. Not repeated after a lost response."""
        path = {"endpoint": endpoint}
        return self._one(Endpoint, "POST", f"{_ENDPOINT}/secret/rotate", path, repeatable=False)

    def test(self, endpoint: str, *, type_: str | None = None) -> Sent:
        """Send a test event, or a sample of an event type."""
        body = None if type_ is None else {"type": type_}
        return self._one(Sent, "POST", f"{_ENDPOINT}/test", {"endpoint": endpoint}, body=body, repeatable=False)

    def replay(self, endpoint: str, since: datetime | str, *, states: Iterable[str] | None = None) -> ReplayResult:
        """Send the events since a time again; `next_since` is where the next call continues."""
        body: dict[str, Any] = {"since": since}
        if states is not None:
            body["states"] = list(states)
        return self._one(ReplayResult, "POST", f"{_ENDPOINT}/replay", {"endpoint": endpoint}, body=body)

    def deliveries(
        self,
        endpoint: str,
        *,
        state: str | None = None,
        type_: str | None = None,
        since: datetime | str | None = None,
        page_size: int | None = None,
    ) -> Iterator[Delivery]:
        """Yield an endpoint's deliveries, the newest first."""
        query = {"state": state, "type": type_, "since": since}
        path = {"endpoint": endpoint}
        return self._all(Delivery, f"{_ENDPOINT}/deliveries", path, query=query, page_size=page_size)

    def replay_delivery(self, delivery: str) -> Sent:
        """Send one event to one endpoint again."""
        return self._one(Sent, "POST", "/v1/deliveries/{delivery}/replay", {"delivery": delivery})


class Events(Resource):
    """The routes of events."""

    def list(
        self,
        *,
        subscription: str | None = None,
        type_: str | None = None,
        since: datetime | str | None = None,
        page_size: int | None = None,
    ) -> Iterator[Event]:
        """Yield events."""
        query = {"subscription": subscription, "type": type_, "since": since}
        return self._all(Event, "/v1/events", query=query, page_size=page_size)

    def get(self, event: str) -> Event:
        """Return an event."""
        return self._one(Event, "GET", "/v1/events/{event}", {"event": event})
