"""Make and check portal tokens: each reads one subscription until it expires.

::

    fbp1.<ID of the secret>.<expiry, Unix time>.<subscription, base64url>.<HMAC-SHA256, base64url>

The signature covers everything before it. Only a secret of the service proves it, so no database is read. `fbp1` is the
version of the format.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fusion_billing.access.principal import Principal
from fusion_billing.errors import Unauthenticated

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=7)
DEFAULT = timedelta(hours=1)

_VERSION = "fbp1"
_TOKEN = re.compile(r"fbp1\.([0-9a-f]{8})\.(\d{1,12})\.([A-Za-z0-9_-]{1,100})\.([A-Za-z0-9_-]{43})", re.ASCII)
_SHORTEST_SECRET = 32
_SCOPES = frozenset({"ratings:read"})


@dataclass(frozen=True, slots=True)
class PortalSecret:
    """A secret that signs tokens."""

    text: str

    @property
    def id(self) -> str:
        """Its ID in tokens, from which the secret can't be derived."""
        return hashlib.sha256(b"fusion-billing portal secret\0" + self.text.encode()).hexdigest()[:8]

    def sign(self, message: str) -> str:
        """Return the signature of a message."""
        return _encode(hmac.new(self.text.encode(), message.encode(), hashlib.sha256).digest())


def read_secrets(text: str) -> tuple[PortalSecret, ...]:
    """Return the secrets in `{"current": "...", "previous": "..."}`, the current one first; `previous` is optional.

    Raises `ValueError` if it has another form, or a secret is shorter than 32 characters.
    """
    document = json.loads(text)
    named = document if isinstance(document, dict) else {}
    found = [named.get("current"), *([named["previous"]] if named.get("previous") else [])]
    if not all(isinstance(secret, str) and len(secret) >= _SHORTEST_SECRET for secret in found):
        raise ValueError(f"a secret has at least {_SHORTEST_SECRET} characters")
    return tuple(PortalSecret(str(secret)) for secret in found)


def issue(subscription: str, expires_at: datetime, secret: PortalSecret) -> str:
    """Return a token that reads the subscription with this ID until `expires_at`, in whole seconds."""
    message = f"{_VERSION}.{secret.id}.{int(expires_at.timestamp())}.{_encode(subscription.encode())}"
    return f"{message}.{secret.sign(message)}"


def is_token(text: str) -> bool:
    """Return whether `text` is meant as a portal token, valid or not."""
    return text.startswith(f"{_VERSION}.")


def secret_id_of(text: str) -> str | None:
    """Return the ID of the secret that signed a token, None if the token is malformed."""
    match = _TOKEN.fullmatch(text)
    return match[1] if match else None


def principal_of(text: str, secrets: Iterable[PortalSecret], now: datetime) -> Principal:
    """Return the principal of a token: it reads the ratings of its subscription.

    Raises `Unauthenticated` (`invalid_token`, `expired_token`).
    """
    match = _TOKEN.fullmatch(text)
    message = text.rpartition(".")[0]
    proven = [
        secret for secret in secrets if match and hmac.compare_digest(secret.sign(message).encode(), match[4].encode())
    ]
    if match is None or not proven:
        raise Unauthenticated("Invalid portal token", code="invalid_token")
    if datetime.fromtimestamp(int(match[2]), UTC) <= now:
        raise Unauthenticated("Portal token has expired", code="expired_token")
    return Principal(key_id="portal", source="", scopes=_SCOPES, subscriptions=frozenset({_decode(match[3])}))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decode(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise Unauthenticated("Invalid portal token", code="invalid_token") from None
