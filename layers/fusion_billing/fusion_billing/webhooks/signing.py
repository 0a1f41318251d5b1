"""Sign webhooks by Standard Webhooks 1.0.0 (symmetric, `v1`), and verify signatures.

What is signed is `<webhook-id>.<webhook-timestamp>.<body>`; the secret is base64, with or
without the prefix `whsec_`. https://github.com/standard-webhooks/standard-webhooks (spec, 1.0.0).
No error here contains a secret, or any part of one.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

PREFIX = "whsec_"
SECRET_BYTES = 32
"""How many random bytes a secret made here has; the specification asks for 24 to 64."""

_FEWEST, _MOST = 24, 64

TOLERANCE_SECONDS = 300


class InvalidSecret(ValueError):
    """A signing secret that can't be used; the message never quotes it."""


class InvalidSignature(ValueError):
    """A message with an invalid signature or timestamp."""


def new_secret(random: bytes) -> str:
    """Return `random`, 24 to 64 bytes of it, as a secret to show (`whsec_…`)."""
    if not _FEWEST <= len(random) <= _MOST:
        raise InvalidSecret("a signing secret must have 24 to 64 random bytes")
    return PREFIX + base64.b64encode(random).decode("ascii")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`, `v1,<base64>`, for one message.

    `secret` is base64, with or without `whsec_`; `timestamp` is in Unix seconds; `body` the exact
    bytes sent. Raises `BadSecret` where the secret is empty or no base64.
    """
    signed = b"%s.%d.%s" % (message_id.encode("utf-8"), timestamp, body)
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode("ascii")


def sign_all(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature per secret, separated by spaces, for use during a rotation."""
    return " ".join(sign(secret, message_id, timestamp, body) for secret in secrets)


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> None:
    """Return if `body` is what the holder of `secret` sent within `tolerance_seconds` of `now`.

    Header names are matched in any case, and under their older `svix-` names too. Raises
    `SignatureRefused` with the reason otherwise, `BadSecret` where the secret is none.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    message_id = _header(lowered, "id")
    claimed = _header(lowered, "signature")
    try:
        timestamp = int(_header(lowered, "timestamp"))
    except ValueError as error:
        if isinstance(error, InvalidSignature):
            raise
        raise InvalidSignature("webhook-timestamp is not a number of seconds") from None
    if abs(now - timestamp) > tolerance_seconds:
        raise InvalidSignature("webhook-timestamp is too far from now")
    expected = sign(secret, message_id, timestamp, body).encode("ascii")
    good = [hmac.compare_digest(expected, signature.encode("utf-8")) for signature in claimed.split(" ")]
    if not any(good):
        raise InvalidSignature("No signature matches")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(f"webhook-{name}") or headers.get(f"svix-{name}")
    if not value:
        raise InvalidSignature(f"webhook-{name} is missing")
    return value


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise InvalidSecret("the signing secret is not base64") from None
    if not key:
        raise InvalidSecret("the signing secret is empty")
    return key
