"""Read the API keys of the API user at run time; two keys are accepted during a rotation.

The secret is the key itself, or JSON `{"keys": ["new", "old"], "login": "billing"}`; the first key that Odoo
accepts is used. `login` (the user's e-mail or name) is needed for JSON-RPC and XML-RPC alone. A key's text is
in no message, log or representation.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from fusion_billing.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key, and the login that goes with it if the protocol requires one."""

    key: str = field(repr=False)
    login: str = ""


class SecretsClient(Protocol):
    """The part of boto3's Secrets Manager client in use."""

    def get_secret_value(self, *, SecretId: str) -> dict[str, object]:  # noqa: N803  boto3's name
        """Return the secret, its text under `SecretString`."""
        ...


class UnreadableSecret(RuntimeError):
    """The secret holds no key: it is empty, or JSON of another shape."""


def parse(secret: str) -> tuple[Credentials, ...]:
    """Return the credentials that the secret's text holds, in the order they are to be tried."""
    document = document_of(secret)
    return tuple(Credentials(key, document["login"]) for key in document["keys"])


def document_of(secret: str) -> JsonObject:
    """Return the secret as its JSON form, `keys` (trimmed) and `login` always there; a key alone is one too.

    Raises `UnreadableSecret` if it holds no key.
    """
    text = secret.strip()
    document: dict[str, Any] = {"key": text}
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except ValueError:
            raise UnreadableSecret("the secret is not valid JSON") from None
    keys = document.get("keys") or [document.pop("key", None)]
    if not isinstance(keys, list) or not all(isinstance(key, str) and key.strip() for key in keys):
        raise UnreadableSecret("the secret must be an API key, or JSON with a list `keys`")
    return {**document, "keys": [key.strip() for key in keys], "login": str(document.get("login") or "")}


class KeyRing:
    """The keys in use: cached for `seconds` in a warm container, read again if Odoo refuses all of them."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float], seconds: float = 300) -> None:
        self._read = read
        self._clock = clock
        self._seconds = seconds
        self._held: tuple[Credentials, ...] = ()
        self._until = float("-inf")

    def credentials(self) -> tuple[Credentials, ...]:
        """Return the keys to try, the one that worked last first."""
        if self._clock() >= self._until:
            self.read_again()
        return self._held

    def read_again(self) -> bool:
        """Read the secret now; return whether it holds a key that was not known before."""
        fresh = parse(self._read())
        news = bool(set(fresh) - set(self._held))
        if set(fresh) != set(self._held):
            self._held = fresh
        self._until = self._clock() + self._seconds
        return news

    def accepted(self, credentials: Credentials) -> None:
        """Try this key first from now on, since Odoo accepted it."""
        if self._held and self._held[0] != credentials and credentials in self._held:
            self._held = (credentials, *(other for other in self._held if other != credentials))


def from_secrets_manager(client: SecretsClient, arn: str) -> Callable[[], str]:
    """Return a reader of the secret `arn`, for a `KeyRing`."""

    def read() -> str:
        text = client.get_secret_value(SecretId=arn).get("SecretString")
        if not isinstance(text, str):
            raise UnreadableSecret("the secret has no text")
        return text

    return read
