"""Register, change, delete and test webhook endpoints, and rotate their secrets. One function per use case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any, Literal, NotRequired, TypedDict, cast

from functions.admin.ports import Sources
from functions.admin.services.write_attempts import attempts
from functions.admin.webhook_ports import EndpointEvents, Endpoints, EndpointSecrets, Events
from fusion_billing.access.principal import Principal
from fusion_billing.audit.recorder import Record, unrecorded
from fusion_billing.catalog.identifiers import MAX_DESCRIPTION, MAX_ENDPOINTS
from fusion_billing.errors import Conflict, Fault, NotFound, Refused
from fusion_billing.instants import rfc3339
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.webhooks import identifiers, signing
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from fusion_billing.webhooks.filters import filter_faults

TEST_EVENT = "endpoint.test"
OLD_SECRET_LIVES = timedelta(hours=24)
_MOST_LIVE_SECRETS = 5
_FIELDS = ("url", "events", "description")


class EndpointJson(TypedDict):
    """An endpoint as responses show it, without its secrets."""

    id: str
    source: str
    url: str
    events: list[str]
    description: str
    state: str
    created_at: str
    failing_since: NotRequired[str]
    disabled_at: NotRequired[str]
    disabled_reason: NotRequired[str]


class NewEndpointJson(EndpointJson):
    """A new endpoint; only this response contains its `secret`."""

    secret: str


class RotatedJson(NewEndpointJson):
    """An endpoint with its new `secret`; messages are signed with the old one as well until it expires."""

    previous_secret_expires_at: str


class TestJson(TypedDict):
    """The IDs of a test event and its delivery."""

    event: str
    delivery: str


class _Fields(TypedDict, total=False):
    url: str
    events: tuple[str, ...]
    description: str
    state: Literal["enabled", "disabled"]


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The collaborators of these use cases."""

    endpoints: Endpoints
    sources: Sources
    events: Events
    secrets: EndpointSecrets
    guard: SsrfGuard
    outbox: EndpointEvents
    random: Callable[[int], bytes] = token_bytes


def create(
    webhooks: Webhooks,
    principal: Principal,
    body: Mapping[str, object],
    now: datetime,
    record: Record = unrecorded,
) -> NewEndpointJson:
    """Register an endpoint of the principal's source; only this response contains its secret.

    Raises `Refused` with every fault: an unknown field or event, and for the URL why it can't be sent to.
    """
    requested = _checked(webhooks, body, required=True)
    _, more = webhooks.endpoints.listing(source=principal.source, limit=MAX_ENDPOINTS - 1, after=None)
    if more is not None:
        raise Conflict(f"A source may have at most {MAX_ENDPOINTS} endpoints", code="too_many_endpoints")
    endpoint_id = identifiers.endpoint_id(webhooks.random(identifiers.RANDOM_BYTES))
    secret, sealed = _new_secret(webhooks, endpoint_id, now)
    for attempt in attempts():
        with attempt:
            source = webhooks.sources.get(principal.source)
            if source is None:
                raise NotFound("Unknown source")
            endpoint = Endpoint(
                id=endpoint_id,
                source=source.id,
                created_at=now,
                metrics=source.metrics,
                plans=source.plans,
                subscriptions=source.subscriptions,
                secrets=(sealed,),
                **requested,
            )
            entry = record(_object(endpoint), None, _recorded(endpoint))
            webhooks.endpoints.create(endpoint, [webhooks.sources.unchanged(source), *entry])
            return {**as_json(endpoint), "secret": secret}
    raise AssertionError


def find(store: Endpoints, principal: Principal, endpoint_id: str) -> Endpoint:
    """Return an endpoint of the principal's source, of any for an operator; raises `NotFound`."""
    endpoint = store.get(endpoint_id)
    if endpoint is None or not (principal.is_operator or endpoint.source == principal.source):
        raise NotFound("No such endpoint")
    return endpoint


def get(webhooks: Webhooks, principal: Principal, endpoint_id: str) -> EndpointJson:
    """Return an endpoint, without its secrets; raises `NotFound`."""
    return as_json(find(webhooks.endpoints, principal, endpoint_id))


def listing(
    webhooks: Webhooks, principal: Principal, *, limit: int, after: str | None
) -> tuple[list[EndpointJson], str | None]:
    """Return a page of the source's endpoints, of all for an operator, and the id to go on after."""
    source = None if principal.is_operator else principal.source
    found, last = webhooks.endpoints.listing(source=source, limit=limit, after=after)
    return [as_json(endpoint) for endpoint in found], last


def change(
    webhooks: Webhooks,
    principal: Principal,
    endpoint_id: str,
    body: Mapping[str, object],
    now: datetime,
    *,
    record: Record = unrecorded,
) -> EndpointJson:
    """Change what `body` names: url, events, description, state (`enabled` or `disabled`).

    Enabling forgets what it was disabled for; deliveries that failed meanwhile stay failed until they are
    replayed. Raises `NotFound`, `Refused` with every fault, or `Conflict` where someone else changed it at the
    same time.
    """
    endpoint = find(webhooks.endpoints, principal, endpoint_id)
    requested = _checked(webhooks, body, required=False)
    changed = replace(endpoint, **requested)
    restarts = changed.url != endpoint.url or (changed.enabled and not endpoint.enabled)
    if changed.enabled:
        changed = replace(changed, disabled_at=None, disabled_reason=None)
    elif endpoint.enabled:
        changed = replace(changed, disabled_at=now, disabled_reason="requested")
    also = record(_object(endpoint), _recorded(endpoint), _recorded(changed))
    return as_json(webhooks.endpoints.replace(changed, forget_failures=restarts, also=also))


def delete(webhooks: Webhooks, principal: Principal, endpoint_id: str, record: Record = unrecorded) -> None:
    """Delete an endpoint: nothing more is sent to it. Raises `NotFound`."""
    endpoint = find(webhooks.endpoints, principal, endpoint_id)
    webhooks.endpoints.delete(endpoint.id, record(_object(endpoint), _recorded(endpoint), None))


def rotate(
    webhooks: Webhooks, principal: Principal, endpoint_id: str, now: datetime, record: Record = unrecorded
) -> RotatedJson:
    """Give an endpoint a new secret, shown once; for 24 hours messages are signed with the old one too.

    Raises `NotFound`, or `Conflict` where it was rotated too often of late.
    """
    endpoint = find(webhooks.endpoints, principal, endpoint_id)
    live = [secret for secret in endpoint.secrets if secret.is_active(now)]
    if len(live) >= _MOST_LIVE_SECRETS:
        raise Conflict("The secret was rotated too often within 24 hours", code="rotated_too_often")
    until = now + OLD_SECRET_LIVES
    old = [known if known.expires_at is not None else replace(known, expires_at=until) for known in live]
    secret, sealed = _new_secret(webhooks, endpoint_id, now)
    rotated = replace(endpoint, secrets=(sealed, *old))
    also = record(_object(endpoint), _recorded(endpoint), _recorded(rotated))
    stored = webhooks.endpoints.replace(rotated, also=also)
    return {**as_json(stored), "secret": secret, "previous_secret_expires_at": rfc3339(until)}


def test(webhooks: Webhooks, principal: Principal, endpoint_id: str, type_: str, now: datetime) -> TestJson:
    """Send an event of `type_` to an endpoint regardless of its filters; return the ids of the event and its delivery.

    An event of another type than `endpoint.test` is the type's example, with `sample` true in its data.
    Raises `Refused` (`unknown_event`), `NotFound`, or `Conflict` if the endpoint is disabled.
    """
    endpoint = find(webhooks.endpoints, principal, endpoint_id)
    if type_ not in EVENT_TYPES:
        raise Refused([Fault("type", "unknown_event", f"must be one of {', '.join(EVENT_TYPES)}")])
    refuse_disabled(endpoint)
    data = _sample(type_, endpoint.id)
    prepared = webhooks.outbox.prepare_for(type_, endpoints=[endpoint], data=data, now=now)
    webhooks.events.write(prepared.writes)
    # A person waits for it, so the relay is woken even for an endpoint that only fails.
    webhooks.outbox.wake_up(replace(prepared, endpoints=(endpoint.id,)))
    event = prepared.event_id or ""
    return {"event": event, "delivery": identifiers.delivery_id(endpoint.id, event)}


def _sample(type_: str, endpoint_id: str) -> dict[str, Any]:
    data = dict(EVENT_TYPES[type_].example)
    if "endpoint" in data:
        data["endpoint"] = endpoint_id
    return data if type_ == TEST_EVENT else {**data, "sample": True}


def _object(endpoint: Endpoint) -> str:
    return f"endpoints/{endpoint.id}"


def _recorded(endpoint: Endpoint) -> dict[str, object]:
    """Return an endpoint as the audit log has it: when its secrets were made, and never one of them."""
    created = [rfc3339(secret.created_at) for secret in endpoint.secrets]
    return {**as_json(endpoint), "signing_secrets_created_at": created}


def refuse_disabled(endpoint: Endpoint) -> None:
    """Raise `Conflict` where an endpoint is disabled, and so would not be served."""
    if not endpoint.enabled:
        raise Conflict("The endpoint is disabled: enable it first", code="endpoint_disabled")


def as_json(endpoint: Endpoint) -> EndpointJson:
    """Return an endpoint as it is shown: never a secret."""
    shown: EndpointJson = {
        "id": endpoint.id,
        "source": endpoint.source,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "state": endpoint.state,
        "created_at": rfc3339(endpoint.created_at),
    }
    if endpoint.failing_since is not None:
        shown["failing_since"] = rfc3339(endpoint.failing_since)
    if endpoint.disabled_at is not None:
        shown["disabled_at"] = rfc3339(endpoint.disabled_at)
    if endpoint.disabled_reason is not None:
        shown["disabled_reason"] = endpoint.disabled_reason
    return shown


def _new_secret(webhooks: Webhooks, endpoint_id: str, now: datetime) -> tuple[str, SealedSecret]:
    secret = signing.new_secret(webhooks.random(signing.SECRET_BYTES))
    return secret, SealedSecret(webhooks.secrets.seal(endpoint_id, secret), now)


def _checked(webhooks: Webhooks, body: Mapping[str, object], *, required: bool) -> _Fields:
    """Return the endpoint's fields that a body names, checked; raises `Refused` with every fault."""
    allowed = _FIELDS if required else (*_FIELDS, "state")
    faults = [Fault(name, "unknown_field", "Unknown field") for name in body if name not in allowed]
    faults += [Fault(name, "missing", "is required") for name in ("url", "events") if required and name not in body]
    if "url" in body:
        try:
            url = body["url"] if isinstance(body["url"], str) else None
            webhooks.guard.addresses(webhooks.guard.check(url))
        except Refused as refused:
            faults += refused.faults
    if "events" in body:
        faults += filter_faults(body["events"], EVENT_TYPES)
    description = body.get("description", "")
    if not isinstance(description, str):
        faults.append(Fault("description", "not_a_string", "must be a string"))
    elif len(description) > MAX_DESCRIPTION:
        faults.append(Fault("description", "too_long", f"must have at most {MAX_DESCRIPTION} characters"))
    if body.get("state", "enabled") not in ("enabled", "disabled"):
        faults.append(Fault("state", "unknown_value", "must be enabled or disabled"))
    if faults:
        raise Refused(faults)
    requested: dict[str, Any] = {name: body[name] for name in allowed if name in body}
    if "events" in requested:
        requested["events"] = tuple(dict.fromkeys(requested["events"]))
    return cast("_Fields", requested)
