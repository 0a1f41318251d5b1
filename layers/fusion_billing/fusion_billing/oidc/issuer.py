"""Read what an issuer publishes: where its endpoints are, and the keys that sign its tokens.

Both are cached by the container. A token with an unknown key ID has the keys read again, so that a new key works at
once, but not more often than every 30 seconds, whatever key IDs callers make up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fusion_billing.access.people import invalid
from fusion_billing.errors import Unavailable
from fusion_billing.json_types import JsonMapping, JsonObject
from fusion_billing.outbound.guarded_client import RequestFailed

KEYS_SECONDS = 600.0
STALE_SECONDS = 6 * 3600.0
"""How long keys are used that can't be read again."""

AGAIN_SECONDS = 30.0
_PAUSE_SECONDS = 5.0
"""How long the issuer is left alone after a failure, while no keys are known; `AGAIN_SECONDS` while some are."""

_MAX_KEYS = 60
_KINDS = {"RS256": "RSA", "ES256": "EC"}
ALGORITHMS = tuple(_KINDS)
"""Algorithms of signatures that are accepted. None of them works with a key that is public or empty."""


class Client(Protocol):
    """Gets JSON (`fusion_billing.outbound.guarded_client.GuardedClient`)."""

    def get(self, url: str) -> JsonObject:
        """Return the JSON object at a URL; raises `RequestFailed`."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> JsonObject:
        """Return the JSON object that a URL responds with; raises `RequestFailed`."""


@dataclass(frozen=True, slots=True)
class Published:
    """What an issuer publishes of itself, and its public keys (JWK)."""

    authorization_endpoint: str
    token_endpoint: str
    keys: tuple[JsonMapping, ...]


class Issuer:
    """An issuer of JWTs."""

    def __init__(self, url: str, client: Client, clock: Callable[[], float]) -> None:
        """Take the URL that is the `iss` of its tokens; `clock` counts seconds (`time.monotonic`)."""
        self.url = url
        self.client = client
        self._clock = clock
        self._cached: Published | None = None
        self._read_at = 0.0
        self._paused_until: float | None = None

    def published(self) -> Published:
        """Return what the issuer publishes; raises `Unavailable` (`issuer_unavailable`)."""
        if self._cached is not None and self._clock() - self._read_at < KEYS_SECONDS:
            return self._cached
        try:
            return self._read()
        except Unavailable:
            if self._cached is not None and self._has_keys():
                return self._cached
            raise

    def key(self, key_id: str | None, algorithm: str) -> JsonMapping:
        """Return the public key (JWK) of a token.

        Without a key ID, the issuer must have one key for the algorithm only. Raises `Unauthenticated`
        (`invalid_jwt`) and `Unavailable`.
        """
        found = _fitting(self.published(), key_id, algorithm)
        if not found and self._clock() - self._read_at >= AGAIN_SECONDS:
            found = _fitting(self._read(), key_id, algorithm)
        if len(found) != 1:
            raise invalid("The JWT is signed by an unknown key")
        return found[0]

    def _has_keys(self) -> bool:
        """Return whether there are keys to use while the issuer does not respond."""
        return self._cached is not None and self._clock() - self._read_at < STALE_SECONDS

    def _read(self) -> Published:
        if self._paused_until is not None and self._clock() < self._paused_until:
            raise _unavailable("it did not respond a moment ago")
        try:
            document = self._document()
            addresses = {name: _text(document, name) for name in ("authorization_endpoint", "token_endpoint")}
            keys = _keys(self.client.get(_text(document, "jwks_uri")))
        except RequestFailed as error:
            self._paused_until = self._clock() + (AGAIN_SECONDS if self._has_keys() else _PAUSE_SECONDS)
            raise _unavailable(str(error)) from None
        self._cached, self._read_at = Published(**addresses, keys=keys), self._clock()
        return self._cached

    def _document(self) -> JsonObject:
        document = self.client.get(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.url:
            raise RequestFailed("its document names another issuer")
        return document


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(f"The issuer of JWTs can't be reached: {reason}", code="issuer_unavailable")


def _text(document: JsonObject, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise RequestFailed(f"its document lacks {name}")
    return value


def _keys(document: JsonObject) -> tuple[JsonMapping, ...]:
    """Return the keys of a key set. An issuer without any has failed: known keys go on."""
    listed = document.get("keys")
    found = tuple(key for key in listed[:_MAX_KEYS] if isinstance(key, dict)) if isinstance(listed, list) else ()
    if not found:
        raise RequestFailed("it publishes no keys")
    return found


def _fitting(published: Published, key_id: str | None, algorithm: str) -> list[JsonMapping]:
    return [
        key
        for key in published.keys
        if (key_id is None or key.get("kid") == key_id)
        and key.get("kty") == _KINDS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    ]
