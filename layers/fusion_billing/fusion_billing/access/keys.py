"""Make and check API keys: `fb_<id>_<secret>`, shown once, stored as the SHA-256 of their secret.

The id finds the key, the secret proves it. A secret has 43 characters of 62, 256 bits, so a slow hash would add
nothing.
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
ID_PATTERN = re.compile(r"[a-z0-9]{8,32}", re.ASCII)
"""The id of a key."""

_KEY = re.compile(rf"fb_({ID_PATTERN.pattern})_([A-Za-z0-9]{{32,64}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key: `text` is shown to its holder once."""

    id: str
    text: str
    hash: str


def generate() -> NewKey:
    """Return a new random key."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    secret = "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(_SECRET_LENGTH))
    return NewKey(key_id, f"fb_{key_id}_{secret}", digest(secret))


def parse(text: str) -> tuple[str, str] | None:
    """Return the id and the secret of a key, or None if `text` is not an API key."""
    match = _KEY.fullmatch(text)
    return (match[1], match[2]) if match else None


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret in hexadecimal, which is what is stored."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def proves(secret: str, stored_hash: str) -> bool:
    """Return whether `secret` has the stored hash; takes the same time for every input."""
    return hmac.compare_digest(digest(secret), stored_hash)
