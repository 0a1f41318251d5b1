"""Authenticate requests by their Authorization header, or by the cookie of a session of the console.

A warm container caches a key for at most one second: `REMEMBERED_SECONDS` after its revocation is
stored, a key is rejected everywhere, and the revoking call responds only then.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from fusion_billing.access import keys as key_format
from fusion_billing.access import sessions
from fusion_billing.access.principal import Principal
from fusion_billing.access.rate_limit import RateLimiter
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from fusion_billing.oidc.people import Person

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)

REMEMBERED_SECONDS = 1.0
_REMEMBERED_KEYS = 1_000


class KeyStore(Protocol):
    """The store of API keys, such as `fusion_billing.dynamodb.catalog.api_keys.KeyStore`."""

    def get(self, key_id: str) -> StoredKey | None:
        """Return the stored key, or None if the id is unknown."""


class KeyUses(Protocol):
    """Stores when keys were last used (`fusion_billing.dynamodb.state.key_uses.KeyUses`)."""

    def note(self, key_id: str, now: datetime) -> None:
        """Store that a key is used; a write that fails is no error."""


class People(Protocol):
    """Authenticates people by JWTs (`fusion_billing.oidc.people.People`)."""

    def authenticate(self, token: str, now: datetime) -> "Person":
        """Return the person that a JWT belongs to; raises `Unauthenticated` and `Unavailable`."""

    def current(self, principal: Principal, now: datetime) -> "Person":
        """Return a person who signed in earlier, within the limits of the source now; raises `Unavailable`."""


class Authenticator:
    """Authenticates requests by the API key in their headers."""

    def __init__(
        self,
        keys: KeyStore,
        clock: Callable[[], float],
        limiter: RateLimiter | None = None,
        uses: KeyUses | None = None,
        people: Callable[[], People] | None = None,
    ) -> None:
        """Create an authenticator.

        Args:
            keys: The store of API keys.
            clock: A monotonic clock, in seconds (`time.monotonic`).
            limiter: Limits the requests of each key; None: no key is limited.
            uses: Stores when keys were last used; None: nothing is stored.
            people: Returns what authenticates people, called for a JWT; None: no JWT is accepted.
        """
        self._keys = keys
        self._limiter = limiter
        self._uses = uses
        self._people = people
        self._clock = clock
        self._remembered: dict[str, tuple[float, StoredKey]] = {}

    def authenticate(self, headers: Mapping[str, str], now: datetime) -> Principal:
        """Return the holder of the key, or of the session's cookie, in `headers` (lower-case names), judged at `now`.

        A request with both is authenticated by its key. Raises `Unauthenticated` with the code `missing_key`,
        `malformed_key`, `unknown_key` (also if only the secret is wrong: the responses are the same),
        `revoked_key`, `expired_key`, `session_expired`, `invalid_jwt` or `expired_jwt`; `Forbidden`
        (`cross_site_request`) for a cookie without the header that only the console sends; `TooManyRequests`; and
        `Unavailable` if the issuer of a JWT does not respond.
        """
        cookies = headers.get("cookie", "")
        if "authorization" not in headers and sessions.has_cookie(cookies):
            refuse_other_sites(headers)
            return self._of_session(cookies, now)
        kind, _, text = headers.get("authorization", "").partition(" ")
        if not text or kind.lower() != "bearer":
            expected = "send the header Authorization: Bearer fb_<id>_<secret>"
            raise Unauthenticated(f"API key is missing: {expected}", code="missing_key")
        parsed = key_format.parse(text.strip())
        if parsed is None and self._people is not None and _JWT.fullmatch(text.strip()):
            return self._of_person(self._people().authenticate(text.strip(), now), now)
        if parsed is None:
            raise Unauthenticated("Invalid API key: expected fb_<id>_<secret>", code="malformed_key")
        key_id, secret = parsed
        stored = self._stored(key_id)
        if stored is None or not key_format.proves(secret, stored.hash):
            raise Unauthenticated("Invalid API key", code="unknown_key")
        if not stored.live_at(now):
            raise Unauthenticated("API key was revoked", code="revoked_key")
        if stored.has_expired(now):
            raise Unauthenticated("API key has expired: create another one", code="expired_key")
        return self._counted(stored, now)

    def _of_session(self, cookies: str, now: datetime) -> Principal:
        """Return the holder of the key that a session belongs to, as long as both are valid."""
        cookie = sessions.read_cookie(cookies)
        stored = None if cookie is None else self._stored(cookie.key_id)
        if cookie is not None and stored is not None and cookie.session_id not in stored.sessions:
            stored = self._stored(cookie.key_id, anew=True)  # it may have begun since the key was read
        session = None if cookie is None or stored is None else stored.sessions.get(cookie.session_id)
        if cookie is None or stored is None or session is None or not session.proven_by(cookie.secret):
            raise Unauthenticated("Session has ended: sign in again", code="session_expired")
        if now >= session.expires_at or not stored.live_at(now) or stored.has_expired(now):
            raise Unauthenticated("Session has expired: sign in again", code="session_expired")
        if stored.principal.person is not None:
            return self._of_signed_in(stored, now)
        return self._counted(stored, now)

    def _of_signed_in(self, stored: StoredKey, now: datetime) -> Principal:
        """Return the person who holds a session, as long as people may sign in at all."""
        if self._people is None:
            raise Unauthenticated("Session has ended: people can't sign in any more", code="session_expired")
        person = self._people().current(stored.principal, now)
        counted = replace(stored, principal=person.principal, requests_per_second=person.requests_per_second)
        return self._counted(counted, now)

    def _of_person(self, person: "Person", now: datetime) -> Principal:
        if self._limiter is not None:
            self._limiter.check(person.principal.key_id, person.requests_per_second, now)
        return person.principal

    def _counted(self, stored: StoredKey, now: datetime) -> Principal:
        """Count a request of a valid key, and return its holder; raises `TooManyRequests`."""
        if self._limiter is not None:
            self._limiter.check(stored.principal.key_id, stored.requests_per_second, now)
        if self._uses is not None:
            self._uses.note(stored.principal.key_id, now)
        return stored.principal

    def _stored(self, key_id: str, *, anew: bool = False) -> StoredKey | None:
        at = self._clock()
        known = self._remembered.get(key_id)
        if not anew and known is not None and at - known[0] < REMEMBERED_SECONDS:
            return known[1]
        stored = self._keys.get(key_id)
        self._remembered.pop(key_id, None)
        if stored is not None:  # unknown keys are not cached: they may be created at any time
            if len(self._remembered) >= _REMEMBERED_KEYS:
                self._remembered.clear()
            self._remembered[key_id] = (at, stored)
        return stored


def refuse_other_sites(headers: Mapping[str, str]) -> None:
    """Raise `Forbidden` unless a request with a cookie comes from a page of the service itself.

    Browsers send the cookie with requests of the same site only (`SameSite=Strict`). This holds for those that
    don't, and for pages of other hosts of the site: they can't add the header without the service's consent.
    """
    if sessions.HEADER not in headers or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        message = f"A request with a session must come from the console, with the header {sessions.HEADER}"
        raise Forbidden(message, code="cross_site_request")
