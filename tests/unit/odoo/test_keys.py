"""The keys of Odoo's technical user, two of them during a rotation."""

from typing import Any

import pytest

from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import KeyRejected
from fusion_billing.odoo.keys import Credentials, KeyRing, UnreadableSecret, parse


class Wire:
    def __init__(self, *good: str) -> None:
        self.good = set(good)
        self.tried: list[str] = []

    def call(self, credentials: Credentials, model: str, method: str, arguments: object, seconds: float) -> Any:
        self.tried.append(credentials.key)
        if credentials.key not in self.good:
            raise KeyRejected("Invalid apikey", name="werkzeug.exceptions.Unauthorized")
        return [{"id": 1}]


class Secret:
    def __init__(self, text: str) -> None:
        self.text = text
        self.reads = 0
        self.now = 0.0

    def read(self) -> str:
        self.reads += 1
        return self.text

    def ring(self) -> KeyRing:
        return KeyRing(self.read, lambda: self.now, seconds=300)


@pytest.mark.parametrize(
    ("secret", "keys", "login"),
    [
        ("a-key\n", ["a-key"], ""),
        ('{"keys": ["new", "old"]}', ["new", "old"], ""),
        ('{"key": "one", "login": "billing@example.com"}', ["one"], "billing@example.com"),
    ],
)
def test_a_secret_is_a_key_or_a_list_of_keys(secret: str, keys: list[str], login: str) -> None:
    assert [(one.key, one.login) for one in parse(secret)] == [(key, login) for key in keys]


@pytest.mark.parametrize("secret", ["", "{", '{"keys": []}', '{"keys": [1]}', '{"keys": "abc"}', '{"keys": [""]}'])
def test_a_secret_without_a_key_is_told_without_showing_it(secret: str) -> None:
    with pytest.raises(UnreadableSecret):
        parse(secret)


def test_no_representation_shows_a_key() -> None:
    assert "hush" not in repr(parse("hush"))


def test_the_old_key_serves_until_the_new_one_does() -> None:
    secret, wire = Secret('{"keys": ["new", "old"]}'), Wire("old")
    odoo = Odoo(wire, secret.ring())
    odoo.search_read("sale.order", [], ["id"])
    odoo.search_read("sale.order", [], ["id"])
    assert wire.tried == ["new", "old", "old"]
    wire.good = {"new"}
    odoo.search_read("sale.order", [], ["id"])
    assert wire.tried[3:] == ["old", "new"]
    assert secret.reads == 1


def test_a_refused_key_makes_the_secret_be_read_once_more() -> None:
    secret, wire = Secret("old"), Wire("old")
    odoo = Odoo(wire, secret.ring())
    odoo.search_read("sale.order", [], ["id"])
    secret.text, wire.good = "new", {"new"}
    odoo.search_read("sale.order", [], ["id"])
    assert (wire.tried, secret.reads) == (["old", "old", "new"], 2)


def test_when_no_key_is_left_that_is_said_at_once() -> None:
    secret, wire = Secret('{"keys": ["new", "old"]}'), Wire()
    with pytest.raises(KeyRejected):
        Odoo(wire, secret.ring()).search_read("sale.order", [], ["id"])
    assert wire.tried == ["new", "old"]


def test_the_secret_is_read_again_after_five_minutes() -> None:
    secret, wire = Secret("old"), Wire("old", "new")
    ring = secret.ring()
    odoo = Odoo(wire, ring)
    odoo.search_read("sale.order", [], ["id"])
    secret.text = "new"
    secret.now = 299
    odoo.search_read("sale.order", [], ["id"])
    secret.now = 300
    odoo.search_read("sale.order", [], ["id"])
    assert wire.tried == ["old", "old", "new"]
