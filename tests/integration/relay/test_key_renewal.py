"""The key of Odoo is renewed before it expires; killed at any step, the next run goes on from it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fusion_billing.errors import Unavailable
from fusion_billing.odoo.client import Odoo, connect
from fusion_billing.odoo.errors import KeyRejected, ReadTimeout
from fusion_billing.odoo.key_renewal import LIFE_DAYS, KeyRenewal, Renewal
from fusion_billing.odoo.keys import Credentials, KeyRing, parse

pytestmark = pytest.mark.integration

SETTING = {"key": "base.enable_programmatic_api_keys", "value": "True"}


class Killed(BaseException):
    """The process is gone."""


class Secret:
    """A secret; `fault` is raised at its n-th write, before or after it took effect."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.writes = 0
        self.fault: Callable[[int], None] = lambda _write: None
        self.fault_after: Callable[[int], None] = lambda _write: None

    def read(self) -> str:
        return self.text

    def write(self, text: str) -> None:
        self.writes += 1
        self.fault(self.writes)
        self.text = text
        self.fault_after(self.writes)


class Renewing:
    """Renewals against the world's Odoo, call by call."""

    def __init__(self, world: Any, secret: str = "relay-key") -> None:
        self.world = world
        self.secret = Secret(secret)
        self.calls: list[str] = []
        self.fault: Callable[[str], None] = lambda _method: None

    def connect(self, credentials: Credentials) -> Odoo:
        text = json.dumps({"keys": [credentials.key], "login": credentials.login})
        odoo = connect(
            url=self.world.server.url,
            database="demo",
            protocol="json2",
            keys=KeyRing(lambda: text, lambda: 0.0),
        )
        outer = self

        class Watched(Odoo):
            def __init__(self) -> None:
                """Stand before another client."""

            def call(self, model: str, method: str, /, *, seconds: float | None = None, **named: Any) -> Any:
                outer.calls.append(method)
                value = odoo.call(model, method, **named)
                outer.fault(method)
                return value

        return Watched()

    def client(self, key: str) -> Odoo:
        keys = KeyRing(lambda: key, lambda: 0.0)
        return connect(url=self.world.server.url, database="demo", protocol="json2", keys=keys)

    def run(self, days_left: float | None = 10.0) -> Renewal:
        return KeyRenewal(self.secret, self.connect).run(datetime.now(UTC), days_left)

    def accepted(self, key: str) -> bool:
        try:
            self.client(key).call("res.users", "context_get")
        except KeyRejected:
            return False
        return True

    @property
    def keys(self) -> list[str]:
        return [credentials.key for credentials in parse(self.secret.text)]


@pytest.fixture
def renewing(world: Any) -> Renewing:
    """A key that may be renewed."""
    world.admin.seed({"ir.config_parameter": [SETTING]})
    return Renewing(world)


def test_a_key_that_expires_soon_is_replaced_and_revoked(renewing: Renewing) -> None:
    renewal = renewing.run()

    assert (renewal.reason, renewal) == ("", Renewal("renewed", float(LIFE_DAYS)))
    [key] = renewing.keys
    assert key != "relay-key"
    assert (renewing.accepted(key), renewing.accepted("relay-key")) == (True, False)
    assert "renewal" not in json.loads(renewing.secret.text)


def test_a_key_that_lives_on_is_left_alone(renewing: Renewing) -> None:
    assert renewing.run(days_left=31.0).outcome == "not_due"
    assert renewing.run(days_left=None).outcome == "not_due"
    assert renewing.keys == ["relay-key"]


def test_the_key_named_by_the_secret_takes_precedence_over_other_keys_of_the_user(renewing: Renewing) -> None:
    renewing.run()
    calls = len(renewing.calls)

    assert renewing.run(days_left=1.0).outcome == "not_due"
    assert len(renewing.calls) == calls


def test_login_and_other_fields_of_the_secret_stay(world: Any, renewing: Renewing) -> None:
    renewing.secret.text = json.dumps({"keys": ["relay-key"], "login": "relay", "note": "ours"})
    renewing.run()
    document = json.loads(renewing.secret.text)
    assert (document["login"], document["note"]) == ("relay", "ours")


def test_without_the_setting_the_key_stays_and_the_alarm_with_it(world: Any) -> None:
    renewing = Renewing(world)
    renewal = renewing.run(days_left=9.0)
    assert (renewal.outcome, renewal.days_left) == ("refused", 9.0)
    assert "not enabled" in renewal.reason
    assert renewing.keys == ["relay-key"]
    assert renewing.accepted("relay-key")


def test_two_keys_of_an_operator_are_not_revoked(world: Any, renewing: Renewing) -> None:
    world.admin.add_key("relay", "second-key")
    renewing.secret.text = json.dumps({"keys": ["second-key", "relay-key"]})
    assert renewing.run(days_left=80.0).outcome == "not_due"
    assert renewing.accepted("relay-key")
    assert renewing.accepted("second-key")


@pytest.mark.parametrize(
    "kill",
    ["after generate", "before write 1", "after write 1", "after revoke", "before write 2", "after write 2"],
)
def test_killed_at_any_step_the_next_run_ends_with_one_key_that_works(renewing: Renewing, kill: str) -> None:
    when, _, what = kill.partition(" ")

    def killed_at_method(method: str) -> None:
        if method == what:
            raise Killed

    def killed_at_write(write: int) -> None:
        if what == f"write {write}":
            raise Killed

    renewing.fault = killed_at_method
    if when == "before":
        renewing.secret.fault = killed_at_write
    else:
        renewing.secret.fault_after = killed_at_write
    with pytest.raises(Killed):
        renewing.run()
    assert any(map(renewing.accepted, renewing.keys)), "a run in between has a key that works"

    renewing.fault = lambda _method: None
    renewing.secret.fault = renewing.secret.fault_after = lambda _write: None
    renewing.run()

    [key] = renewing.keys
    assert renewing.accepted(key)
    assert not renewing.accepted("relay-key")


def test_a_key_that_can_not_be_stored_is_revoked(world: Any, renewing: Renewing) -> None:
    before = len(world.admin.read("res.users.apikeys", [], ["name"]))

    def unavailable(_write: int) -> None:
        raise Unavailable("no")

    renewing.secret.fault = unavailable
    assert renewing.run(days_left=9.0).outcome == "unavailable"
    assert renewing.keys == ["relay-key"]
    assert len(world.admin.read("res.users.apikeys", [], ["name"])) == before


def test_a_lost_response_is_retried_on_another_day(renewing: Renewing) -> None:
    def lost(method: str) -> None:
        if method == "generate":
            raise ReadTimeout("lost", name="timeout")

    renewing.fault = lost
    assert renewing.run(days_left=9.0).outcome == "unavailable"
    assert renewing.keys == ["relay-key"]
    renewing.fault = lambda _method: None
    assert renewing.run(days_left=9.0).outcome == "renewed"


def test_a_new_key_that_was_taken_away_meanwhile_gives_way_to_the_old_one(renewing: Renewing) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    renewing.secret.text = json.dumps({"keys": ["gone-key", "relay-key"], "renewal": tomorrow, "expires_on": tomorrow})
    assert renewing.run(days_left=60.0) == Renewal("not_due", 60.0)
    assert renewing.keys == ["relay-key"]
    assert renewing.accepted("relay-key")


def test_the_result_of_a_run_contains_no_key(renewing: Renewing) -> None:
    renewal = renewing.run()
    [key] = renewing.keys
    assert key not in repr(renewal)
    assert key not in repr(renewing.connect(Credentials(key)))
