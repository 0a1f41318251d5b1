"""Build the Odoo client from the environment: URL, protocol and the secret with the API key."""

import json
import time
from typing import TYPE_CHECKING

from fusion_billing import settings
from fusion_billing.dynamodb import client
from fusion_billing.odoo.client import CALL_SECONDS, Odoo, connect
from fusion_billing.odoo.keys import Credentials, KeyRing, from_secrets_manager

if TYPE_CHECKING:
    from fusion_billing.odoo.key_renewal import KeyRenewal


def is_configured() -> bool:
    """Return whether Odoo is configured; without it, the service still rates and sends events."""
    return bool(settings.text("ODOO_URL", ""))


def from_environment(*, seconds: float = CALL_SECONDS) -> Odoo:
    """Return the client; the key is read when it is first needed. Raises `settings.Missing`."""
    secrets = client.make("secretsmanager")
    keys = KeyRing(from_secrets_manager(secrets, settings.text("ODOO_API_KEY_SECRET_ARN")), time.monotonic)
    return _connect(keys, seconds)


def key_renewal() -> "KeyRenewal":
    """Return what renews the key in its secret. Raises `settings.Missing`."""
    from fusion_billing.odoo.key_renewal import KeyRenewal  # noqa: PLC0415  a daily job's, not every start's
    from fusion_billing.odoo.secret_store import SecretStore  # noqa: PLC0415

    def alone(credentials: Credentials) -> Odoo:
        text = json.dumps({"keys": [credentials.key], "login": credentials.login})
        return _connect(KeyRing(lambda: text, time.monotonic), CALL_SECONDS)

    secret = SecretStore(client.make("secretsmanager"), settings.text("ODOO_API_KEY_SECRET_ARN"))
    return KeyRenewal(secret, alone)


def _connect(keys: KeyRing, seconds: float) -> Odoo:
    return connect(
        url=settings.text("ODOO_URL"),
        database=settings.text("ODOO_DATABASE", ""),
        protocol=settings.text("ODOO_PROTOCOL", "json2"),
        keys=keys,
        seconds=seconds,
    )
