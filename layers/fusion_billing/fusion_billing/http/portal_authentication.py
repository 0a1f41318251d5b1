"""Authenticate requests by a portal token, whose secret is in AWS Secrets Manager.

A container caches the secret for a minute: so long after it was replaced, tokens of the former one may still be
accepted. While Secrets Manager does not respond, the cached secret is used for up to five minutes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.access import portal_tokens
from fusion_billing.access.portal_tokens import PortalSecret
from fusion_billing.access.principal import Principal
from fusion_billing.access.rate_limit import RateLimiter
from fusion_billing.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHED_SECONDS = 60.0
_STALE_SECONDS = 300.0
_AGAIN_SECONDS = 5.0
"""A token of an unknown secret may be newer than what is cached: it is read again, no sooner than this."""


class PortalSecrets:
    """The secrets that sign portal tokens, the current one first."""

    def __init__(self, client: "SecretsManagerClient", arn: str, clock: Callable[[], float]) -> None:
        """Read the secret `arn`; `clock` counts seconds (`time.monotonic`)."""
        self._client = client
        self._arn = arn
        self._clock = clock
        self._cached: tuple[PortalSecret, ...] = ()
        self._read_at: float | None = None

    def get(self, of: str | None = None) -> tuple[PortalSecret, ...]:
        """Return the secrets, read again for a token `of` a secret that is not among them.

        Raises `Unavailable` if they can't be read (`portal_not_configured` if they are malformed).
        """
        age = float("inf") if self._read_at is None else self._clock() - self._read_at
        is_unknown = of is not None and of not in {secret.id for secret in self._cached}
        if age < CACHED_SECONDS and not (is_unknown and age >= _AGAIN_SECONDS):
            return self._cached
        try:
            text = self._client.get_secret_value(SecretId=self._arn)["SecretString"]
        except (BotoCoreError, ClientError, KeyError):
            if age < _STALE_SECONDS:
                return self._cached
            raise Unavailable("The secret of portal tokens can't be read: send the request again") from None
        try:
            self._cached = portal_tokens.read_secrets(text)
        except ValueError:
            message = 'The secret of portal tokens must be {"current": "<32 characters or more>"}'
            raise Unavailable(message, code="portal_not_configured") from None
        self._read_at = self._clock()
        return self._cached


class PortalAuthenticator:
    """Authenticates requests by the portal token in their Authorization header."""

    def __init__(self, secrets: PortalSecrets, limiter: RateLimiter) -> None:
        self._secrets = secrets
        self._limiter = limiter

    def authenticate(self, headers: Mapping[str, str], now: datetime) -> Principal:
        """Return the principal of the token; raises `Unauthenticated`, `TooManyRequests` and `Unavailable`.

        All tokens of a subscription have one rate limit.
        """
        token = token_in(headers) or ""
        secret_id = portal_tokens.secret_id_of(token)
        if secret_id is None:
            raise Unauthenticated("Invalid portal token", code="invalid_token")
        principal = portal_tokens.principal_of(token, self._secrets.get(secret_id), now)
        self._limiter.check(f"portal:{''.join(principal.subscriptions or ())}", None, now)
        return principal


def token_in(headers: Mapping[str, str]) -> str | None:
    """Return the portal token in a request's headers (lower-case names), None if it has none."""
    kind, _, text = headers.get("authorization", "").partition(" ")
    is_portal = kind.lower() == "bearer" and portal_tokens.is_token(text.strip())
    return text.strip() if is_portal else None
