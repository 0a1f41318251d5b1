"""Begin sessions of people whom the issuer has signed in."""

import secrets
from datetime import datetime, timedelta
from typing import Protocol

from fusion_billing.access import keys, sessions
from fusion_billing.access.sessions import NewSession
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.oidc.people import Person
from fusion_billing.oidc.sign_in import LIFETIME, Attempt, SignInFailed


class States(Protocol):
    """Notes which sign-ins have ended (`dynamodb.state.used_states.UsedStates`)."""

    def use(self, state: str, until: datetime) -> bool:
        """Return whether a state was unused; it is used from now on."""


class PersonStore(Protocol):
    """Stores people with their sessions (`dynamodb.catalog.api_keys.KeyStore`)."""

    def put_person(self, key_id: str, stored: StoredKey) -> None:
        """Store what a person may do now."""

    def begin_session(self, key_id: str, session: NewSession, now: datetime) -> None:
        """Store a session."""


def begin(states: States, store: PersonStore, attempt: Attempt, person: Person, now: datetime) -> NewSession:
    """Return a session of a person, who may do what the issuer's claims give now, until the session ends.

    Raises `SignInFailed` if the sign-in has ended before, and `Unavailable`.
    """
    if not states.use(attempt.state, now + LIFETIME + timedelta(hours=1)):
        raise SignInFailed("invalid_state")
    principal = person.principal
    unknown_secret = keys.digest(secrets.token_hex(32))  # no API key proves it: a person has sessions alone
    stored = StoredKey(
        principal,
        unknown_secret,
        now,
        expires=now + sessions.LIFETIME,
        requests_per_second=person.requests_per_second,
    )
    store.put_person(principal.key_id, stored)
    session = sessions.new_session(principal.key_id, now)
    store.begin_session(principal.key_id, session, now)
    return session
