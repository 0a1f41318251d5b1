"""An issuer of JWTs that the admin function of a test knows."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from functions.admin import access_dependencies
from tests.fakes.oidc_issuer import FakeIssuer, serving

SETTINGS = {
    "OIDC_AUDIENCE": "billing-api",
    "OIDC_CLIENT_ID": "billing-console",
    "OIDC_SCOPES": "billing-admins=admin; billing-readers=ratings:read catalog:read",
    "FUSION_LOCAL_LOOPBACK_WEBHOOKS": "1",
}


@contextmanager
def known_issuer(now: float, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Iterator[FakeIssuer]:
    """Serve an issuer whose clock begins at `now`; `settings` are in addition to those above, or in their place."""
    with serving(FakeIssuer(), now) as made:
        for name, value in (SETTINGS | settings | {"OIDC_ISSUER": made.url}).items():
            monkeypatch.setenv(name, value)
        forget()
        yield made
    forget()


def forget() -> None:
    """Have the function read its settings again."""
    access_dependencies.people.cache_clear()
    access_dependencies.authenticator.cache_clear()
