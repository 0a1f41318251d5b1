"""Remove secrets from what the audit log stores: by the form that a secret has, and by the name of its field.

Free text is searched too, since people paste keys into reasons and descriptions.
"""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from fusion_billing.strict_json import Number

REDACTED = "[redacted]"

_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
"""One that every reader of JSON reads exactly."""

_SECRET_FIELDS = frozenset(
    {"authorization", "cookie", "hash", "key", "password", "sealed", "secret", "secrets", "token"}
)
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(fb[a-z]?_[a-z0-9]{4,64})[_.][A-Za-z0-9_.=-]{16,}", re.ASCII), rf"\1_{REDACTED}"),
    (re.compile(r"\bfbp\d+\.[A-Za-z0-9_.-]+", re.ASCII), REDACTED),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+", re.ASCII), f"whsec_{REDACTED}"),
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',]+", re.ASCII | re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"(://)[^\s/?#@]+@", re.ASCII), rf"\1{REDACTED}@"),
    (re.compile(r"\b[0-9a-f]{40,}\b", re.ASCII | re.IGNORECASE), REDACTED),
)
"""API keys and portal tokens, signing secrets, credentials of HTTP and of URLs, and long hexadecimal numbers, which are
keys of Odoo and hashes. Each takes time in proportion to the text: none reads on to its end from many places."""

_WORD = re.compile(r"\S+")
_DOTTED = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]", re.ASCII)
_QUERY = re.compile(r"[?#]")
_SCHEME_ENDS = "://"


def redacted(value: object) -> object:
    """Return a JSON value without secrets. A number of a request is an integer, or its digits as text."""
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Number):
        return int(value.text) if _INTEGER.fullmatch(value.text) else value.text
    if isinstance(value, Mapping):
        return {redacted_text(str(name)): _field(str(name), content) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    return value


def redacted_text(text: str) -> str:
    """Return a text without secrets."""
    text = _DOTTED.sub(_without_jwt, text)
    text = _WORD.sub(_without_query, text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _without_jwt(match: re.Match[str]) -> str:
    """Return letters, digits and dots without a JSON web token in them."""
    text = match[0]
    token = _JWT.search(text)
    return f"{text[: token.start()]}{REDACTED}" if token and "." in text[token.end() : -1] else text


def _without_query(match: re.Match[str]) -> str:
    """Return a word; a URL in it without its query and fragment."""
    word = match[0]
    scheme = word.find(_SCHEME_ENDS)
    query = _QUERY.search(word, scheme + len(_SCHEME_ENDS)) if scheme > 0 else None
    return f"{word[: query.start()]}?{REDACTED}" if query else word


def redacted_url(url: str) -> str:
    """Return where a URL points, with a fingerprint that tells it from others; its path may be a secret too."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return REDACTED
    fingerprint = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{parts.scheme}://{host}{port}/{REDACTED} sha256:{fingerprint}"


def _field(name: str, content: object) -> object:
    if name.lower() in _SECRET_FIELDS and content is not None:
        return REDACTED
    if name == "url" and isinstance(content, str):
        return redacted_url(content)
    return redacted(content)
