"""The outbox: an event and its deliveries, to be written in one transaction with what they tell of.

::

    prepared = outbox.prepare("rating.updated", subscription="42", plan="Pro", metric="api_calls",
                              data={...}, now=now)
    dynamodb.transact_write_items(TransactItems=[the_rating, *prepared.writes])
    outbox.nudge(prepared)

Where no endpoint listens nothing is stored, and `prepared.writes` is empty. A nudge that is lost costs
two minutes, never an event: the relay's schedule finds the deliveries by their due time.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from fusion_billing.instants import rfc3339
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.endpoint import Endpoint, subscribed_endpoints

DIRECT_DELIVERIES = 25
"""More listeners than this are not put into the caller's transaction (it holds 100 writes at most): the
event carries their ids instead, and the relay writes their deliveries from it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it is stored. `body` is what is sent, to the byte; `plan` and `metric` are not in it."""

    id: str
    type: str
    subscription: str | None
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to write for an event, and whom it goes to. Empty where no endpoint listens.

    `writes` are items for `TransactItems`, one for the event and one a delivery; `endpoints` the ids of
    the endpoints to nudge; `event_id` is None where nothing is written.
    """

    writes: list[Any]
    endpoints: tuple[str, ...] = ()
    event_id: str | None = None


NOTHING = Prepared(writes=[])


class Tells(Protocol):
    """What whoever writes something that is told of needs of the outbox: `Outbox`, or a fake of a test's."""

    def prepare(
        self,
        type: str,  # noqa: A002  what the payload calls it
        *,
        subscription: str | None,
        plan: str | None,
        metric: str | None,
        data: Mapping[str, Any],
        now: datetime,
    ) -> Prepared:
        """Return the writes of an event."""

    def wake_up(self, prepared: Prepared) -> None:
        """Ask the relay for the first tries at once."""


class Gateway(Protocol):
    """What the outbox needs of the world; `fusion_billing.dynamodb.webhooks.outbox` has the real one."""

    def endpoints(self) -> Sequence[Endpoint]:
        """Return every endpoint, perhaps a second old."""

    def next_sequence(self, subscription: str) -> int:
        """Return a number higher than every one given for this subscription before."""

    def event_writes(self, event: Event, endpoints: Sequence[Endpoint], *, direct: bool) -> list[Any]:
        """Return the writes for the event and, if `direct`, for its deliveries."""

    def wake_up(self, endpoints: Iterable[str]) -> None:
        """Ask the relay to serve these endpoints now."""


class Outbox:
    """Prepares events, and nudges the relay once they are stored."""

    def __init__(self, gateway: Gateway, *, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._gateway = gateway
        self._random = random

    def prepare(
        self,
        type: str,  # noqa: A002  what the payload calls it
        *,
        subscription: str | None,
        plan: str | None,
        metric: str | None,
        data: Mapping[str, Any],
        now: datetime,
    ) -> Prepared:
        """Return the writes for an event of `type` about `subscription`, told to those who may see it.

        `plan` and `metric` decide that against each source's limits, None for none. `data` is as the
        catalogue says (JSON types, decimals as text); `subscription` and `sequence` are put into it here.
        Raises `ValueError` where `data` is not as the catalogue says.
        """
        heard = subscribed_endpoints(self._gateway.endpoints(), type, plan=plan, metric=metric)
        return self._prepare(type, subscription, data, heard, now)

    def prepare_for(
        self,
        type: str,  # noqa: A002
        *,
        endpoints: Sequence[Endpoint],
        data: Mapping[str, Any],
        now: datetime,
    ) -> Prepared:
        """Return the writes for an event about an endpoint, told to just the `endpoints` given."""
        return self._prepare(type, None, data, endpoints, now)

    def wake_up(self, prepared: Prepared) -> None:
        """Ask the relay for the first tries at once; call it after the transaction. Never raises for AWS."""
        if prepared.endpoints:
            self._gateway.wake_up(prepared.endpoints)

    def _prepare(
        self,
        type_: str,
        subscription: str | None,
        data: Mapping[str, Any],
        heard: Sequence[Endpoint],
        now: datetime,
    ) -> Prepared:
        # Here, not above: pydantic is a fifth of a cold start, and most have no event to tell.
        from fusion_billing.webhooks.events.registry import check  # noqa: PLC0415

        told = dict(data) if subscription is None else {"subscription": subscription, **data}
        check(type_, told)
        if not heard:
            return NOTHING
        if subscription is not None:
            told["sequence"] = self._gateway.next_sequence(subscription)
        event = Event(
            id=identifiers.event_id(now, self._random(identifiers.RANDOM_BYTES)),
            type=type_,
            subscription=subscription,
            body=payload(type_, now, told),
            at=now,
        )
        direct = len(heard) <= DIRECT_DELIVERIES
        # What is written for a disabled endpoint waits until it is enabled again; one that has only failed of
        # late would take the time of those that answer.
        awake = [one.id for one in heard if one.starts_relay(now)]
        return Prepared(
            writes=self._gateway.event_writes(event, heard, direct=direct),
            endpoints=tuple(awake if direct else awake[:1]),
            event_id=event.id,
        )


def payload(type_: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """Return the body of an event, `{type, timestamp, data}`, as it is stored, signed and sent."""
    document = {"type": type_, "timestamp": rfc3339(at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
