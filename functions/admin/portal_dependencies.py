"""The collaborators of portal tokens, created on first use.

Imports are at the top: only requests that create or carry a portal token import this module.
"""

import time
from functools import cache

from functions.admin import access_dependencies
from fusion_billing import settings
from fusion_billing.dynamodb import client
from fusion_billing.errors import Unavailable
from fusion_billing.http.portal_authentication import PortalAuthenticator, PortalSecrets


@cache
def secrets() -> PortalSecrets:
    """Return the secrets that sign portal tokens; raises `Unavailable` if the stack has none."""
    arn = settings.text("PORTAL_SECRET_ARN", "")
    if not arn:
        raise Unavailable("The service has no PORTAL_SECRET_ARN", code="portal_not_configured")
    return PortalSecrets(client.make("secretsmanager"), arn, time.monotonic)


@cache
def authenticator() -> PortalAuthenticator:
    """Return the authenticator of portal tokens."""
    return PortalAuthenticator(secrets(), access_dependencies.rate_limiter())
