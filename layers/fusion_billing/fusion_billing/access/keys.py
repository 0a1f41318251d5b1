"""API keys: `fb_<id>_<secret>`, shown once, kept as the SHA-256 of their secret.

The id finds the key, the secret proves it. A secret is 43 characters of 62, 256 bits: nothing that a slow
hash would have to protect.
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass

_ID_ALPHABET = string.ascii_lowercase + string.digits
_SECRET_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 16
_SECRET_LENGTH = 43
_KEY = re.compile(r"fb_([a-z0-9]{8,32})_([A-Za-z0-9]{32,64})", re.ASCII)

ID_PATTERN = re.compile(r"[a-z0-9]{8,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `text` is what its holder gets and nobody sees again."""

    id: str
    text: str
    hash: str


def generate() -> NewKey:
    """Return a new random key."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    secret = "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(_SECRET_LENGTH))
    return NewKey(key_id, f"fb_{key_id}_{secret}", digest(secret))


def parse(text: str) -> tuple[str, str] | None:
    """Return a key's id and secret, or None where `text` is no key of ours."""
    match = _KEY.fullmatch(text)
    return (match[1], match[2]) if match else None


def digest(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def proves(secret: str, stored_hash: str) -> bool:
    """Tell whether `secret` is the one whose hash is stored, in a time that does not depend on either."""
    return hmac.compare_digest(digest(secret), stored_hash)
