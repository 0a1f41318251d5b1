"""Authenticate people by JWTs of the configured issuer."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fusion_billing.access.people import SOURCE, Limits, Rules, check, narrowed, principal_of
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source
from fusion_billing.errors import Conflict
from fusion_billing.json_types import JsonObject
from fusion_billing.oidc.issuer import Issuer

_REMEMBERED_SECONDS = 1.0


class Sources(Protocol):
    """Stores sources (`fusion_billing.dynamodb.catalog.sources.SourceStore`)."""

    def get(self, source_id: str) -> Source | None:
        """Return a source."""

    def create(self, source: Source) -> None:
        """Store a new source; raises `Conflict`."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person: the principal, and the requests per second of its source (None: the default)."""

    principal: Principal
    requests_per_second: int | None = None


class People:
    """Authenticates people.

    Attributes:
        issuer: Who signs their tokens.
        rules: What the tokens must say.
    """

    def __init__(
        self, issuer: Issuer, rules: Rules, sources: Sources, clock: Callable[[], float], *, creates_source: bool
    ) -> None:
        """Take where the source of people is; it is created if it is missing and `creates_source`."""
        self.issuer = issuer
        self.rules = rules
        self._sources = sources
        self._clock = clock
        self._creates_source = creates_source
        self._remembered: tuple[float, Source] | None = None

    def authenticate(self, token: str, now: datetime) -> Person:
        """Return the person that a token for the API belongs to; raises `Unauthenticated` and `Unavailable`."""
        return self.person(self.claims(token, self.rules.audience, now), now)

    def claims(self, token: str, audience: str, now: datetime) -> JsonObject:
        """Return the claims of a valid token for an audience; raises `Unauthenticated` and `Unavailable`."""
        from fusion_billing.oidc.tokens import verified_claims  # noqa: PLC0415  cryptography is slow to import

        claims = verified_claims(token, self.issuer)
        check(claims, issuer=self.rules.issuer, audience=audience, now=now)
        return claims

    def person(self, claims: JsonObject, now: datetime) -> Person:
        """Return the person that valid claims are about."""
        source = self._source(now)
        return Person(principal_of(claims, self.rules, _limits_of(source)), source.requests_per_second)

    def current(self, principal: Principal, now: datetime) -> Person:
        """Return a person who signed in earlier, within the limits that the source has now."""
        source = self._source(now)
        return Person(narrowed(principal, _limits_of(source)), source.requests_per_second)

    def _source(self, now: datetime) -> Source:
        if self._remembered is not None and self._clock() - self._remembered[0] < _REMEMBERED_SECONDS:
            return self._remembered[1]
        found = self._sources.get(SOURCE)
        if found is None:
            found = Source(SOURCE, "People", created=now)
            if self._creates_source:
                with suppress(Conflict):  # another container has created it
                    self._sources.create(found)
        self._remembered = self._clock(), found
        return found


def _limits_of(source: Source) -> Limits:
    return Limits(source.metrics, source.plans, source.subscriptions)
