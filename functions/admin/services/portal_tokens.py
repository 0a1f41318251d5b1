"""Create portal tokens, which read one subscription each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Protocol, TypedDict

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from functions.admin.ports import Subscriptions
from functions.admin.services.subscription_reading import visible
from fusion_billing.access.portal_tokens import DEFAULT, LONGEST, SHORTEST, PortalSecret, issue
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.field_types import SubscriptionId, whole_number
from fusion_billing.catalog.validation import Definition, parse
from fusion_billing.instants import rfc3339

_SHORTEST, _LONGEST, _DEFAULT = (int(each.total_seconds()) for each in (SHORTEST, LONGEST, DEFAULT))


class Secrets(Protocol):
    """Reads the secrets of portal tokens (`http.portal_authentication.PortalSecrets`)."""

    def get(self) -> tuple[PortalSecret, ...]:
        """Return the secrets, the current one first; raises `Unavailable`."""


class PortalTokenJson(TypedDict):
    """A new portal token; only this response contains it."""

    token: str
    subscription: str
    expires_at: str


def _seconds(value: object) -> int:
    seconds = whole_number(value)
    if not _SHORTEST <= seconds <= _LONGEST:
        raise PydanticCustomError("out_of_range", f"must be {_SHORTEST} to {_LONGEST} seconds")
    return seconds


class NewPortalToken(Definition):
    """A portal token to be created; it expires after `expires_in` seconds."""

    subscription: SubscriptionId
    expires_in: Annotated[int, PlainValidator(_seconds)] = _DEFAULT


def create(
    subscriptions: Subscriptions, secrets: Secrets, principal: Principal, body: Mapping[str, object], now: datetime
) -> PortalTokenJson:
    """Return a new token of a subscription, named by its ID or an alias; raises `Refused` and `NotFound`."""
    requested = parse(NewPortalToken, body)
    stored = visible(subscriptions, principal, requested.subscription)
    expires_at = (now + timedelta(seconds=requested.expires_in)).replace(microsecond=0)
    token = issue(stored.id, expires_at, secrets.get()[0])
    return {"token": token, "subscription": stored.id, "expires_at": rfc3339(expires_at)}
