"""From a header to a principal."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from fusion_billing.access import keys
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.errors import Unauthenticated
from fusion_billing.http.authentication import Authenticator

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)


class Keys:
    """A key store in memory that counts its reads."""

    def __init__(self) -> None:
        self.stored: dict[str, StoredKey] = {}
        self.reads: Counter[str] = Counter()

    def get(self, key_id: str) -> StoredKey | None:
        self.reads[key_id] += 1
        return self.stored.get(key_id)

    def make(self, revoked: datetime | None = None) -> keys.NewKey:
        made = keys.generate()
        principal = Principal(made.id, "src_a", frozenset({"usage:write"}))
        self.stored[made.id] = StoredKey(principal, made.hash, NOW, revoked)
        return made


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def refusal(authenticator: Authenticator, header: str | None) -> str:
    headers = {} if header is None else {"authorization": header}
    with pytest.raises(Unauthenticated) as refused:
        authenticator.authenticate(headers, NOW)
    return refused.value.code


def test_a_good_key_tells_whose_it_is() -> None:
    store = Keys()
    made = store.make()
    authenticator = Authenticator(store, Clock())
    for header in (f"Bearer {made.text}", f"bearer {made.text}", f"BEARER  {made.text} "):
        assert authenticator.authenticate({"authorization": header}, NOW).source == "src_a"


def test_each_way_to_be_nobody_has_its_code() -> None:
    store = Keys()
    made, gone = store.make(), store.make(revoked=NOW - timedelta(days=1))
    authenticator = Authenticator(store, Clock())
    assert refusal(authenticator, None) == "missing_key"
    assert refusal(authenticator, "") == "missing_key"
    assert refusal(authenticator, "Bearer") == "missing_key"
    assert refusal(authenticator, f"Basic {made.text}") == "missing_key"
    assert refusal(authenticator, "Bearer nonsense") == "malformed_key"
    assert refusal(authenticator, f"Bearer {keys.generate().text}") == "unknown_key"
    assert refusal(authenticator, f"Bearer fb_{made.id}_{'s' * 43}") == "unknown_key"
    assert refusal(authenticator, f"Bearer {gone.text}") == "revoked_key"


def test_a_malformed_key_costs_no_read() -> None:
    store = Keys()
    refusal(Authenticator(store, Clock()), "Bearer fb_#_x")
    assert not store.reads


def test_a_key_is_remembered_for_less_than_a_second() -> None:
    store, clock = Keys(), Clock()
    made = store.make()
    authenticator = Authenticator(store, clock)
    headers = {"authorization": f"Bearer {made.text}"}
    for _ in range(3):
        authenticator.authenticate(headers, NOW)
    assert store.reads[made.id] == 1
    clock.at += 0.999
    authenticator.authenticate(headers, NOW)
    assert store.reads[made.id] == 1
    clock.at += 0.001
    authenticator.authenticate(headers, NOW)
    assert store.reads[made.id] == 2


def test_a_key_that_is_not_there_is_looked_for_each_time() -> None:
    store = Keys()
    authenticator = Authenticator(store, Clock())
    made = keys.generate()
    for _ in range(2):
        refusal(authenticator, f"Bearer {made.text}")
    assert store.reads[made.id] == 2


def test_a_revocation_dated_by_a_clock_that_runs_ahead_holds_at_once() -> None:
    store = Keys()
    made = store.make(revoked=NOW + timedelta(minutes=2))
    assert refusal(Authenticator(store, Clock()), f"Bearer {made.text}") == "revoked_key"


def test_what_is_remembered_is_bounded() -> None:
    store = Keys()
    authenticator = Authenticator(store, Clock())
    for _ in range(1_100):
        made = store.make()
        authenticator.authenticate({"authorization": f"Bearer {made.text}"}, NOW)
    assert len(authenticator._remembered) <= 1_000
