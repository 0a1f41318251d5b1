"""The client of Odoo as the environment has it: where, which protocol, and where its key is kept."""

import time

from fusion_billing import settings
from fusion_billing.odoo.client import CALL_SECONDS, Odoo, connect
from fusion_billing.odoo.keys import KeyRing, from_secrets_manager
from fusion_billing.store import client


def is_configured() -> bool:
    """Tell whether there is an Odoo to talk to: the service rates and tells without one, too."""
    return bool(settings.text("ODOO_URL", ""))


def from_environment(*, seconds: float = CALL_SECONDS) -> Odoo:
    """Return the client; the key is read when it is first needed. Raises `settings.Missing`."""
    secrets = client.make("secretsmanager")
    keys = KeyRing(from_secrets_manager(secrets, settings.text("ODOO_API_KEY_SECRET_ARN")), time.monotonic)
    return connect(
        url=settings.text("ODOO_URL"),
        database=settings.text("ODOO_DATABASE", ""),
        protocol=settings.text("ODOO_PROTOCOL", "json2"),
        keys=keys,
        seconds=seconds,
    )
