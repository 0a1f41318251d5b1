"""Authenticate requests by their Authorization header.

A warm container caches a key for at most one second: `REMEMBERED_SECONDS` after its revocation is
stored, a key is rejected everywhere, and the revoking call responds only then.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.errors import Unauthenticated

REMEMBERED_SECONDS = 1.0
_REMEMBERED_KEYS = 1_000


class KeyStore(Protocol):
    """The store of API keys, such as `fusion_billing.dynamodb.catalog.api_keys.KeyStore`."""

    def get(self, key_id: str) -> StoredKey | None:
        """Return the stored key, or None if the id is unknown."""


class Authenticator:
    """Authenticates requests by the API key in their headers."""

    def __init__(self, keys: KeyStore, clock: Callable[[], float]) -> None:
        """Create an authenticator from the store and a monotonic clock in seconds (`time.monotonic`)."""
        self._keys = keys
        self._clock = clock
        self._remembered: dict[str, tuple[float, StoredKey]] = {}

    def authenticate(self, headers: Mapping[str, str], now: datetime) -> Principal:
        """Return the holder of the key in `headers` (lower-case names), judged at `now`.

        Raises `Unauthenticated` with the code `missing_key`, `malformed_key`, `unknown_key` (also if only
        the secret is wrong: the responses are the same) or `revoked_key`.
        """
        kind, _, text = headers.get("authorization", "").partition(" ")
        if not text or kind.lower() != "bearer":
            expected = "send the header Authorization: Bearer fb_<id>_<secret>"
            raise Unauthenticated(f"API key is missing: {expected}", code="missing_key")
        parsed = key_format.parse(text.strip())
        if parsed is None:
            raise Unauthenticated("Invalid API key: expected fb_<id>_<secret>", code="malformed_key")
        key_id, secret = parsed
        stored = self._stored(key_id)
        if stored is None or not key_format.proves(secret, stored.hash):
            raise Unauthenticated("Invalid API key", code="unknown_key")
        if not stored.live_at(now):
            raise Unauthenticated("API key was revoked", code="revoked_key")
        return stored.principal

    def _stored(self, key_id: str) -> StoredKey | None:
        at = self._clock()
        known = self._remembered.get(key_id)
        if known is not None and at - known[0] < REMEMBERED_SECONDS:
            return known[1]
        stored = self._keys.get(key_id)
        self._remembered.pop(key_id, None)
        if stored is not None:  # unknown keys are not cached: they may be created at any time
            if len(self._remembered) >= _REMEMBERED_KEYS:
                self._remembered.clear()
            self._remembered[key_id] = (at, stored)
        return stored
