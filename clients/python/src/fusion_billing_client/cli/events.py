"""`fusion tail`, `fusion listen` and `fusion trigger`: events, as they come."""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Annotated

import httpx
import typer

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import Failure, UsageFailure
from fusion_billing_client.cli.session import Json, session_of
from fusion_billing_client.cli.signing import new_secret, signed_headers
from fusion_billing_client.decoding import instant
from fusion_billing_client.encoding import instant_text
from fusion_billing_client.errors import NotFoundError
from fusion_billing_client.models import Event

_OVERLAP = timedelta(seconds=10)
_MOST_REMEMBERED = 10_000
_FIRST_ERROR = 300


def tail(
    context: typer.Context,
    subscription: Annotated[str | None, typer.Option(help="Only events of this subscription.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only events of this type or family.")] = None,
    since: Annotated[str | None, typer.Option(help="Begin at this instant, instead of now.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print what there is, and end.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.")] = 2.0,
    as_json: Json = False,
) -> None:
    """Print events as they come."""
    session = session_of(context, as_json)
    with session.client() as client:
        for event in _events(client, _since(since), subscription, event_type, interval, once=once):
            if session.is_json:
                output.show_json(event)
            else:
                what = event.subscription or event.data.get("subscription") or ""
                output.show_text(f"{output.cell(_time(event))}  {event.id}  {event.type}  {output.cell(what)}".rstrip())


def listen(
    context: typer.Context,
    forward_to: Annotated[str, typer.Option(help="URL of your receiver, such as http://localhost:9000/hooks.")],
    event_type: Annotated[str | None, typer.Option("--type", help="Only events of this type or family.")] = None,
    secret: Annotated[str | None, typer.Option(envvar="WEBHOOK_SECRET", help="Sign with this secret.")] = None,
    since: Annotated[str | None, typer.Option(help="Begin at this instant, instead of now.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Forward what there is, and end.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.")] = 2.0,
) -> None:
    """Send events to a receiver on this machine as webhooks, signed as the service signs them."""
    session = session_of(context)
    url = httpx.URL(forward_to)
    if url.scheme not in {"http", "https"} or not url.host:
        raise UsageFailure("--forward-to: must be a URL such as http://localhost:9000/hooks")
    key = secret or new_secret()
    if not secret:
        typer.echo(f"Verify with WEBHOOK_SECRET={key}", err=True)
    failed = 0
    with session.client() as client, httpx.Client(timeout=15) as receiver:
        for event in _events(client, _since(since), None, event_type, interval, once=once):
            failed += not _forward(receiver, forward_to, key, event)
    if failed:
        raise Failure(f"{failed} events were not received. Begin earlier with --since to send them again")


def trigger(
    context: typer.Context,
    event_type: Annotated[str, typer.Argument(help="Event type, such as rating.updated.", metavar="TYPE")],
    endpoint: Annotated[str | None, typer.Option(help="Id of the endpoint, if the source has several.")] = None,
    as_json: Json = False,
) -> None:
    """Have the service send a sample of an event to an endpoint."""
    session = session_of(context, as_json)
    with session.client() as client:
        found = endpoint or _only_endpoint(client)
        sent = client.endpoints.test(found, type_=event_type)
    if session.is_json:
        output.show_json(sent)
    else:
        output.show_text(f"Sent {sent.event} to {found}")


def _only_endpoint(client: Client) -> str:
    endpoints = list(client.endpoints.list())
    if len(endpoints) != 1:
        what = "there is none: create one with POST /v1/endpoints" if not endpoints else "there are several"
        raise UsageFailure(f"--endpoint: name one, {what}")
    return endpoints[0].id


def _since(text: str | None) -> datetime:
    if text is None:
        return datetime.now(timezone.utc)
    try:
        found = instant(text)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise UsageFailure("--since: must be an instant with an offset, such as 2026-11-03T00:00:00Z")
    return found


def _events(
    client: Client, since: datetime, subscription: str | None, type_: str | None, interval: float, *, once: bool
) -> Iterator[Event]:
    """Yield events from `since` on, each once, in the order of their times."""
    seen: dict[str, None] = {}
    begin = since
    while True:
        try:
            found = list(client.events.list(subscription=subscription, type_=type_, since=max(since, begin - _OVERLAP)))
        except NotFoundError:
            raise Failure("events: this service does not list events. Update it") from None
        for event in sorted(found, key=lambda event: (_time(event) or since, event.id)):
            if event.id not in seen:
                seen[event.id] = None
                begin = max(begin, _time(event) or begin)
                yield event
        while len(seen) > _MOST_REMEMBERED:
            del seen[next(iter(seen))]
        if once:
            return
        time.sleep(interval)


def _time(event: Event) -> datetime | None:
    return event.timestamp or event.created_at


def _forward(receiver: httpx.Client, url: str, secret: str, event: Event) -> bool:
    at = _time(event)
    document = {"type": event.type, "timestamp": instant_text(at) if at else None, "data": event.data}
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        response = receiver.post(url, content=body, headers=signed_headers(secret, event.id, int(time.time()), body))
    except httpx.HTTPError as error:
        result, is_received = str(error) or type(error).__name__, False
    else:
        result, is_received = str(response.status_code), response.status_code < _FIRST_ERROR
    output.show_text(f"{event.id}  {event.type}  {result}")
    return is_received
