"""Sign webhooks as the service does: Standard Webhooks."""

import base64
import hashlib
import hmac
import secrets

from fusion_billing_client.cli.failures import UsageFailure

_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a new secret."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signed_headers(secret: str, event: str, at: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message; raises `UsageFailure` if the secret is not one."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        raise UsageFailure("--secret: must be a secret such as whsec_..., as the service shows it") from None
    digest = hmac.new(key, f"{event}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
