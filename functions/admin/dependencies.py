"""What the routes work with, made when first asked for and kept for as long as the container is warm.

One function a store. Imports stand inside the functions, so that a route pays for what it uses.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Protocol

from fusion_billing.errors import Unavailable


class Principal(Protocol):
    """Who asks: `fusion_billing.access` makes it."""

    def require(self, scope: str) -> None:
        """Raise `Forbidden` unless the key has `scope`."""


class Authenticator(Protocol):
    """What tells who holds a key: `fusion_billing.api.authentication` has it."""

    def authenticate(self, headers: Mapping[str, str], now: datetime) -> Principal:
        """Return who asks; raises `Unauthenticated`."""


def now() -> datetime:
    """Return the present instant; routes call it as `dependencies.now()`, and pass it on."""
    return datetime.now(UTC)


@cache
def authenticator() -> Authenticator:
    """Return what tells who holds a key."""
    raise Unavailable("there are no keys yet")
