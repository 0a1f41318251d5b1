"""API keys: how they are written, kept and proved."""

import hashlib
import re

import pytest

from fusion_billing.access import keys


def test_a_key_reads_fb_id_secret_and_keeps_only_its_hash() -> None:
    made = keys.generate()
    assert re.fullmatch(r"fb_[a-z0-9]{16}_[A-Za-z0-9]{43}", made.text)
    key_id, secret = keys.parse(made.text) or ("", "")
    assert key_id == made.id
    assert made.hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in made.hash


def test_no_two_keys_are_alike() -> None:
    made = [keys.generate() for _ in range(200)]
    assert len({key.id for key in made}) == len({key.text for key in made}) == 200


def test_a_secret_proves_itself_and_no_other() -> None:
    secret = "s" * 43
    assert keys.proves(secret, keys.digest(secret))
    assert not keys.proves(secret[:-1] + "t", keys.digest(secret))
    assert not keys.proves(secret, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fb_",
        "fb__",
        "fb_short_" + "s" * 43,
        "fb_abcdefgh12345678",
        "fb_abcdefgh12345678_",
        "fb_abcdefgh12345678_" + "s" * 31,
        "fb_abcdefgh12345678_" + "s" * 65,
        "fb_ABCDEFGH12345678_" + "s" * 43,
        "fb_abcdefgh12345678_" + "ä" * 43,
        "fb_abcdefgh12345678_" + "s" * 43 + "\n",
        "xx_abcdefgh12345678_" + "s" * 43,
        "fb_abc#KEY#h1234567_" + "s" * 43,
    ],
)
def test_what_is_no_key_is_not_parsed(text: str) -> None:
    assert keys.parse(text) is None
