"""Renew Odoo's API key before it expires, if Odoo allows it.

Keys of users who are not administrators live 90 days at most. Since 2026 Odoo lets a user make and revoke
keys by `res.users.apikeys` (`generate`, `revoke`) if the system parameter
`base.enable_programmatic_api_keys` is set. A renewal is three steps, and each of them may be the last one
before the process dies:

1. `generate` a key. It is returned once; if it can't be stored, it is revoked again, or expires by itself.
2. Store it in the secret before the old one, with the mark `renewal`. From here on either key works.
3. `revoke` the old key, and store the new one alone.

The next run finds the mark and goes on with step 3. Two keys without the mark are an operator's: they stay.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from aws_lambda_powertools import Logger

from fusion_billing.errors import Unavailable
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import KeyRejected, OdooError, OdooUnavailable, TransientError
from fusion_billing.odoo.keys import Credentials, document_of

RENEW_DAYS = 30
"""Days before a key's expiry from which on it is renewed: an alarm follows at 14."""

LIFE_DAYS = 89
"""Days that a new key is asked for: Odoo allows 90, by its own clock."""

_MODEL = "res.users.apikeys"

logger = Logger()

Outcome = Literal["not_due", "renewed", "refused", "unavailable"]


class Secret(Protocol):
    """The secret that holds the key; `secret_store.SecretStore` is one."""

    def read(self) -> str:
        """Return the current text of the secret."""
        ...

    def write(self, text: str) -> None:
        """Replace the secret's text."""
        ...


@dataclass(frozen=True, slots=True)
class Renewal:
    """The result of a run. `days_left` is the remaining life of the key in use, None if unknown."""

    outcome: Outcome
    days_left: float | None
    reason: str = ""


@dataclass(frozen=True)
class KeyRenewal:
    """Renews the key in `secret`; `connect` returns a client that uses the one key it is given."""

    secret: Secret
    connect: Callable[[Credentials], Odoo]

    def run(self, now: datetime, days_left: float | None) -> Renewal:
        """Renew the key if it expires within `RENEW_DAYS`, or finish a renewal that was cut short.

        Args:
            now: The present instant, aware.
            days_left: Days until the first of the user's keys expires, as Odoo says; None if it says nothing.
                What the secret says of its own key goes before it: a user may have other keys.

        Returns:
            The outcome: `refused` if Odoo does not allow it (the alarm on the key's expiry stays),
            `unavailable` if it is worth another attempt at the next run. Raises nothing of Odoo's.
        """
        document = document_of(self.secret.read())
        left = _days_left(document, now, days_left)
        try:
            if "renewal" in document:
                document, finished = self._finish(document)
                left = _days_left(document, now, days_left)
                if finished:
                    return Renewal("renewed", left)
            if left is None or left > RENEW_DAYS:
                return Renewal("not_due", left)
            document = self._generate(document, now)
            document, _ = self._finish(document)
            return Renewal("renewed", _days_left(document, now, None))
        except (TransientError, OdooUnavailable, Unavailable) as error:
            return Renewal("unavailable", left, error.code)
        except OdooError as error:
            return Renewal("refused", left, error.message)

    def _generate(self, document: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Create a key and store it before the one in use; return the new document of the secret."""
        current = self._accepted(document)
        expires_on = (now + timedelta(days=LIFE_DAYS)).date()
        key = self.connect(current).call(
            _MODEL,
            "generate",
            key=current.key,
            scope="rpc",
            name=f"Fusion Billing, renewed {now.date().isoformat()}",
            expiration_date=expires_on.isoformat(),
        )
        if not isinstance(key, str) or not key.strip():
            raise KeyRejected("Odoo returned no API key", name="generate")
        renewing = {
            **document,
            "keys": [key.strip(), current.key],
            "renewal": now.date().isoformat(),
            "expires_on": expires_on.isoformat(),
        }
        try:
            self.secret.write(json.dumps(renewing))
        except Unavailable:
            # Nobody knows this key now: it must not stay behind.
            self._revoke(current, key.strip())
            raise
        return renewing

    def _finish(self, document: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Revoke the old key, store the new one alone; return whether the new one is what is left."""
        new, *old = (Credentials(key, document["login"]) for key in document["keys"])
        finished = self._is_accepted(new)
        left = {name: value for name, value in document.items() if name != "renewal"}
        if finished:
            for credentials in old:
                self._revoke(new, credentials.key)
            left["keys"] = [new.key]
        else:
            # The new key was removed in the meantime: the old one stays in use and is renewed again.
            left["keys"] = [credentials.key for credentials in old]
            left.pop("expires_on", None)
        self.secret.write(json.dumps(left))
        return left, finished

    def _revoke(self, using: Credentials, key: str) -> None:
        try:
            self.connect(using).call(_MODEL, "revoke", key=key)
        except (TransientError, OdooUnavailable):
            raise
        except OdooError as error:
            # It is gone already (a run before this one got so far), or expires by itself.
            logger.warning("the old Odoo API key could not be revoked", code=error.code, error=error.name)

    def _accepted(self, document: dict[str, Any]) -> Credentials:
        for key in document["keys"]:
            credentials = Credentials(key, document["login"])
            if self._is_accepted(credentials):
                return credentials
        raise KeyRejected("Odoo accepts none of the API keys in the secret", name="secret")

    def _is_accepted(self, credentials: Credentials) -> bool:
        try:
            self.connect(credentials).call("res.users", "context_get")
        except KeyRejected:
            return False
        return True


def _days_left(document: dict[str, Any], now: datetime, otherwise: float | None) -> float | None:
    """Return how long the secret's own key lives; `otherwise` if the secret does not say."""
    try:
        return float((date.fromisoformat(document["expires_on"]) - now.date()).days)
    except (KeyError, TypeError, ValueError):
        return otherwise
