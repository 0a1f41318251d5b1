"""What decides whether a request may come in, created on first use; see `functions.admin.dependencies`.

Imports are at the top: nearly every request needs them, and Lambda's init phase makes them.
"""

import time
from functools import cache
from typing import TYPE_CHECKING

from functions.admin import dependencies
from fusion_billing import settings
from fusion_billing.access.rate_limit import SLOT_SECONDS, RateLimiter
from fusion_billing.dynamodb.state.key_uses import KeyUses
from fusion_billing.dynamodb.state.request_counts import RequestCounts
from fusion_billing.http.authentication import Authenticator
from fusion_billing.http.source_address import AllowedAddresses

if TYPE_CHECKING:
    from fusion_billing.oidc.people import People


@cache
def authenticator() -> Authenticator:
    """Return the authenticator of API keys; it caches keys for a second."""
    has_issuer = bool(settings.text("OIDC_ISSUER", ""))
    return Authenticator(
        dependencies.keys(), time.monotonic, rate_limiter(), key_uses(), people if has_issuer else None
    )


@cache
def people() -> "People":
    """Return the authenticator of people, by JWT."""
    from fusion_billing.oidc.configuration import build_people  # noqa: PLC0415  not for a cold start

    return build_people(dependencies.sources(), time.monotonic, creates_source=True)


@cache
def rate_limiter() -> RateLimiter:
    """Return the rate limiter of API keys."""
    state = settings.text("STATE_TABLE")
    counts = RequestCounts(dependencies.dynamodb(), state, time.monotonic, slot_seconds=SLOT_SECONDS)
    return RateLimiter(counts, time.monotonic, settings.integer("CALLER_REQUESTS_PER_SECOND", 250))


@cache
def key_uses() -> KeyUses:
    """Return the days on which keys were last used."""
    return KeyUses(dependencies.dynamodb(), settings.text("STATE_TABLE"), time.monotonic)


@cache
def allowed_addresses() -> AllowedAddresses:
    """Return the IP addresses that requests may come from."""
    return AllowedAddresses(
        admin=settings.text("ADMIN_ALLOWED_CIDRS", ""), usage=settings.text("USAGE_ALLOWED_CIDRS", "")
    )
