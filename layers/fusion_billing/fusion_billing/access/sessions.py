"""Make and check sessions of the console: an API key is exchanged for a cookie that expires.

A session belongs to its key and may do what the key may. The key's item stores the SHA-256 of the session's secret,
so that one read authenticates a request, a revoked key ends its sessions, and signing out ends a session for good.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from fusion_billing.access.keys import ID_PATTERN

COOKIE = "__Host-fusion_session"
"""The prefix has browsers accept it over HTTPS (or from this machine) only, for this host only, on all paths."""

HEADER = "fusion-session"
"""The header that a request with the cookie must have. Other sites can't send it without the service's consent."""

LIFETIME = timedelta(hours=8)
"""How long a session lasts."""

MAX_SESSIONS = 10
"""Sessions of one key; a further one ends the oldest."""

_SECRET_BYTES = 32
_ID_BYTES = 6
_VALUE = re.compile(rf"({ID_PATTERN.pattern})\.([0-9a-f]{{{2 * _ID_BYTES}}})\.([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as its key's item stores it."""

    hash: str
    expires_at: datetime

    def proven_by(self, secret: str) -> bool:
        """Return whether `secret` has the stored hash; takes the same time for every input."""
        return hmac.compare_digest(_digest(secret), self.hash)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A new session: `value` is the cookie's, which only the browser keeps."""

    id: str
    value: str
    stored: StoredSession

    def set_cookie(self) -> str:
        """Return the `Set-Cookie` header that hands it to the browser; scripts can't read the cookie."""
        return _cookie(self.value, int(LIFETIME.total_seconds()))


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """What a session's cookie claims."""

    key_id: str
    session_id: str
    secret: str


def new_session(key_id: str, now: datetime) -> NewSession:
    """Return a new session of a key."""
    session_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    return NewSession(session_id, f"{key_id}.{session_id}.{secret}", StoredSession(_digest(secret), now + LIFETIME))


def expired_cookie() -> str:
    """Return the `Set-Cookie` header that removes the cookie from the browser."""
    return _cookie("", 0)


def read_cookie(header: str) -> SessionCookie | None:
    """Return the session in a `Cookie` header, or None if it has none that is well-formed."""
    for value in _values(header):
        match = _VALUE.fullmatch(value)
        if match:
            return SessionCookie(match[1], match[2], match[3])
    return None


def has_cookie(header: str) -> bool:
    """Return whether a `Cookie` header has a session's cookie, well-formed or not."""
    return any(True for _ in _values(header))


def _values(header: str) -> Iterator[str]:
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            yield value


def _cookie(value: str, seconds: int) -> str:
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
