"""Build what authenticates people from the settings."""

from collections.abc import Callable

from fusion_billing import settings
from fusion_billing.access.people import Rules, parse_scopes
from fusion_billing.errors import Unavailable
from fusion_billing.oidc.issuer import Issuer
from fusion_billing.oidc.people import People, Sources
from fusion_billing.outbound.configuration import guard
from fusion_billing.outbound.guarded_client import GuardedClient


def is_configured() -> bool:
    """Return whether there is an issuer."""
    return bool(settings.text("OIDC_ISSUER", ""))


def build_people(sources: Sources, clock: Callable[[], float], *, creates_source: bool) -> People:
    """Return the authenticator of people; raises `Unavailable` (`oidc_not_configured`) for malformed settings."""
    url, client_id = settings.text("OIDC_ISSUER", ""), settings.text("OIDC_CLIENT_ID", "")
    audience = settings.text("OIDC_AUDIENCE", "") or client_id
    try:
        scopes = parse_scopes(settings.text("OIDC_SCOPES", ""))
    except ValueError as error:
        raise Unavailable(f"The parameter OidcScopes is malformed: {error}", code="oidc_not_configured") from None
    if not audience:
        message = "The parameter OidcAudience or OidcClientId is required beside OidcIssuer"
        raise Unavailable(message, code="oidc_not_configured")
    rules = Rules(
        issuer=url,
        audience=audience,
        scope_claim=settings.text("OIDC_SCOPE_CLAIM", "groups"),
        scopes=scopes,
        subscription_claim=settings.text("OIDC_SUBSCRIPTION_CLAIM", "") or None,
    )
    issuer = Issuer(url, GuardedClient(guard()), clock)
    return People(issuer, rules, sources, clock, creates_source=creates_source)
