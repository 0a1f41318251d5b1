"""The API keys of Odoo's technical user: read at run time, two accepted during a rotation.

The secret is the key itself, or JSON `{"keys": ["new", "old"], "login": "billing"}`; the first key that Odoo
accepts is used. `login` (the user's e-mail or name) is needed for JSON-RPC and XML-RPC alone. A key's text is
in no message, log or representation.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key, and the login that goes with it where the protocol asks for one."""

    key: str = field(repr=False)
    login: str = ""


class SecretsClient(Protocol):
    """What is used of boto3's Secrets Manager client."""

    def get_secret_value(self, *, SecretId: str) -> dict[str, object]:  # noqa: N803  boto3's name
        """Return the secret, its text under `SecretString`."""
        ...


class UnreadableSecret(RuntimeError):
    """The secret holds no key: it is empty, or JSON of another shape."""


def parse(secret: str) -> tuple[Credentials, ...]:
    """Return the credentials that the secret's text holds, in the order they are to be tried."""
    text = secret.strip()
    if not text.startswith("{"):
        return _credentials([text], "")
    try:
        document = json.loads(text)
    except ValueError:
        raise UnreadableSecret("the secret starts like JSON and is none") from None
    return _credentials(document.get("keys") or [document.get("key")], document.get("login") or "")


def _credentials(keys: object, login: object) -> tuple[Credentials, ...]:
    if not isinstance(keys, list) or not all(isinstance(key, str) and key.strip() for key in keys):
        raise UnreadableSecret("the secret must be a key, or JSON with `keys`, a list of them")
    return tuple(Credentials(key.strip(), str(login)) for key in keys)


class KeyRing:
    """The keys in use: kept for `seconds` in a warm container, read again when Odoo refuses them all."""

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
        """Remember that Odoo took this one, so that it is the first to be tried next time."""
        if self._held and self._held[0] != credentials and credentials in self._held:
            self._held = (credentials, *(other for other in self._held if other != credentials))


def from_secrets_manager(client: SecretsClient, arn: str) -> Callable[[], str]:
    """Return a reader of the secret `arn`, to make a `KeyRing` of."""

    def read() -> str:
        text = client.get_secret_value(SecretId=arn).get("SecretString")
        if not isinstance(text, str):
            raise UnreadableSecret("the secret has no text")
        return text

    return read
