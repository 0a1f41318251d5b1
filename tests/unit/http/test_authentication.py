"""From a header to a principal."""

from datetime import UTC, datetime, timedelta

import pytest

from fusion_billing.access import keys
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.errors import Unauthenticated
from fusion_billing.http.authentication import Authenticator
from tests.fakes.api_keys import FakeApiKeys
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)


def make(store: FakeApiKeys, revoked: datetime | None = None) -> keys.NewKey:
    made = keys.generate()
    principal = Principal(made.id, "src_a", frozenset({"usage:write"}))
    store.items[made.id] = StoredKey(principal, made.hash, NOW, revoked)
    return made


def refusal(authenticator: Authenticator, header: str | None) -> str:
    headers = {} if header is None else {"authorization": header}
    with pytest.raises(Unauthenticated) as refused:
        authenticator.authenticate(headers, NOW)
    return refused.value.code


def test_a_good_key_tells_whose_it_is() -> None:
    store = FakeApiKeys()
    made = make(store)
    authenticator = Authenticator(store, FakeClock().monotonic)
    for header in (f"Bearer {made.text}", f"bearer {made.text}", f"BEARER  {made.text} "):
        assert authenticator.authenticate({"authorization": header}, NOW).source == "src_a"


def test_each_way_to_be_nobody_has_its_code() -> None:
    store = FakeApiKeys()
    made, gone = make(store), make(store, revoked=NOW - timedelta(days=1))
    authenticator = Authenticator(store, FakeClock().monotonic)
    assert refusal(authenticator, None) == "missing_key"
    assert refusal(authenticator, "") == "missing_key"
    assert refusal(authenticator, "Bearer") == "missing_key"
    assert refusal(authenticator, f"Basic {made.text}") == "missing_key"
    assert refusal(authenticator, "Bearer nonsense") == "malformed_key"
    assert refusal(authenticator, f"Bearer {keys.generate().text}") == "unknown_key"
    assert refusal(authenticator, f"Bearer fb_{made.id}_{'s' * 43}") == "unknown_key"
    assert refusal(authenticator, f"Bearer {gone.text}") == "revoked_key"


def test_a_malformed_key_costs_no_read() -> None:
    store = FakeApiKeys()
    refusal(Authenticator(store, FakeClock().monotonic), "Bearer fb_#_x")
    assert not store.reads


def test_a_key_is_remembered_for_less_than_a_second() -> None:
    store, clock = FakeApiKeys(), FakeClock()
    made = make(store)
    authenticator = Authenticator(store, clock.monotonic)
    headers = {"authorization": f"Bearer {made.text}"}
    for _ in range(3):
        authenticator.authenticate(headers, NOW)
    assert store.reads[made.id] == 1
    clock.monotonic_seconds += 0.999
    authenticator.authenticate(headers, NOW)
    assert store.reads[made.id] == 1
    clock.monotonic_seconds += 0.001
    authenticator.authenticate(headers, NOW)
    assert store.reads[made.id] == 2


def test_a_key_that_is_not_there_is_looked_for_each_time() -> None:
    store = FakeApiKeys()
    authenticator = Authenticator(store, FakeClock().monotonic)
    made = keys.generate()
    for _ in range(2):
        refusal(authenticator, f"Bearer {made.text}")
    assert store.reads[made.id] == 2


def test_a_revocation_dated_by_a_clock_that_runs_ahead_holds_at_once() -> None:
    store = FakeApiKeys()
    made = make(store, revoked=NOW + timedelta(minutes=2))
    assert refusal(Authenticator(store, FakeClock().monotonic), f"Bearer {made.text}") == "revoked_key"


def test_what_is_remembered_is_bounded() -> None:
    store = FakeApiKeys()
    authenticator = Authenticator(store, FakeClock().monotonic)
    for _ in range(1_100):
        made = make(store)
        authenticator.authenticate({"authorization": f"Bearer {made.text}"}, NOW)
    assert len(authenticator._remembered) <= 1_000
