"""Begin, show and end sessions of the console."""

from collections.abc import Mapping
from datetime import datetime
from typing import NotRequired, Protocol, TypedDict

from functions.admin.ports import Sources
from fusion_billing.access import keys as key_format
from fusion_billing.access import sessions
from fusion_billing.access.principal import Principal
from fusion_billing.access.sessions import NewSession
from fusion_billing.errors import Fault, NotFound, Refused, Unauthenticated
from fusion_billing.instants import rfc3339

_FIELDS = ("key",)


class Authenticator(Protocol):
    """Authenticates requests (`fusion_billing.http.authentication.Authenticator`)."""

    def authenticate(self, headers: Mapping[str, str], now: datetime) -> Principal:
        """Return the principal of a request; raises `Unauthenticated`."""


class SessionStore(Protocol):
    """Stores sessions with their keys (`dynamodb.catalog.api_keys.KeyStore`)."""

    def begin_session(self, key_id: str, session: NewSession, now: datetime) -> None:
        """Store a session of a key."""

    def end_session(self, key_id: str, session_id: str) -> None:
        """End a session of a key; raises `NotFound` if there is no such key."""


class SessionJson(TypedDict):
    """Who is signed in, and what the key may do."""

    source: str
    source_name: str
    key_id: str
    scopes: list[str]
    metrics: NotRequired[list[str]]
    plans: NotRequired[list[str]]
    subscriptions: NotRequired[list[str]]
    expires_at: NotRequired[str]


def begin(
    authenticator: Authenticator, store: SessionStore, sources: Sources, body: Mapping[str, object], now: datetime
) -> tuple[SessionJson, str]:
    """Exchange the API key in `body` for a session; return who signed in, and the `Set-Cookie` header.

    Raises `Refused` for the body, and `Unauthenticated` for the key.
    """
    faults = [Fault(name, "unknown_field", "Unknown field") for name in body if name not in _FIELDS]
    key = body.get("key")
    if key is not None and not isinstance(key, str):
        faults.append(Fault("key", "not_a_string", "must be a string"))
    elif not (key or "").strip():
        faults.append(Fault("key", "missing", "is required"))
    if faults:
        raise Refused(faults)
    if key_format.parse(str(key).strip()) is None:  # a JWT would begin a session with what an earlier one gave
        raise Unauthenticated("Invalid API key: expected fb_<id>_<secret>", code="malformed_key")
    principal = authenticator.authenticate({"authorization": f"Bearer {key}"}, now)
    session = sessions.new_session(principal.key_id, now)
    store.begin_session(principal.key_id, session, now)
    shown = show(principal, sources)
    shown["expires_at"] = rfc3339(session.stored.expires_at)
    return shown, session.set_cookie()


def show(principal: Principal, sources: Sources) -> SessionJson:
    """Return who a principal is."""
    source = sources.get(principal.source)
    shown: SessionJson = {
        "source": principal.source,
        "source_name": principal.person or (principal.source if source is None else source.name),
        "key_id": principal.key_id,
        "scopes": sorted(principal.scopes),
    }
    if principal.metrics is not None:
        shown["metrics"] = sorted(principal.metrics)
    if principal.plans is not None:
        shown["plans"] = sorted(principal.plans)
    if principal.subscriptions is not None:
        shown["subscriptions"] = sorted(principal.subscriptions)
    return shown


def end(
    authenticator: Authenticator, store: SessionStore, headers: Mapping[str, str], now: datetime
) -> Principal | None:
    """End the session of a request, if it has one that is valid, and return whose it was."""
    cookie = sessions.read_cookie(headers.get("cookie", ""))
    if cookie is None:
        return None
    principal = authenticator.authenticate(
        {name: value for name, value in headers.items() if name != "authorization"}, now
    )
    try:
        store.end_session(cookie.key_id, cookie.session_id)
    except NotFound:  # the key went meanwhile, and the session with it
        return None
    return principal
