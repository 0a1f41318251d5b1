"""Secrets are removed from entries by their form and by the name of their field."""

import json

import pytest

from fusion_billing.audit.entry import MAX_SIDE, TOO_LARGE, differing, safe
from fusion_billing.audit.redaction import redacted, redacted_text, redacted_url

SECRETS = [
    "eIDSfuJ8phKLHQHKoax3ZrbxLt6NJTmSw6MNFQHqMSO",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl",
    "hunter2hunter2",
    "9b74c9897bac770ffc029102a200c5de9b74c989",
]
TEXTS = [
    f"rotate fb_k3v9x2m4q8r1t7w5_{SECRETS[0]} please",
    f"whsec_{SECRETS[1]}",
    f"portal?token=fbp1.0123abcd.1795000000.NDI.{SECRETS[0]}",
    f"see {SECRETS[2]} there",
    f"Authorization: Bearer {SECRETS[3]}",
    f"https://user:{SECRETS[3]}@example.com/x",
    f"https://example.com/hook?token={SECRETS[3]}&a=1",
    f"https://example.com/hook#{SECRETS[3]}",
    f"odoo key {SECRETS[4]}",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("shape", ["value", "name", "nested"])
def test_a_secret_is_found_wherever_it_is(text: str, shape: str) -> None:
    document = {"value": {"reason": text}, "name": {text: 1}, "nested": {"a": [{"b": text}]}}[shape]
    shown = json.dumps(redacted(document))
    assert not [secret for secret in SECRETS if secret in shown]


@pytest.mark.parametrize("name", ["secret", "key", "Authorization", "token", "hash", "password"])
def test_a_field_that_holds_a_secret_is_never_shown(name: str) -> None:
    assert redacted({name: "x"}) == {name: "[redacted]"}


def test_ordinary_text_stays() -> None:
    text = "raised to 0.004 EUR per call, see S00042 (Bearer bonds excluded?)".replace("Bearer bonds", "bonds")
    assert redacted_text(text) == text
    assert redacted_text("https://example.com/docs") == "https://example.com/docs"


def test_a_url_is_shown_as_its_host_and_told_from_others_by_a_fingerprint() -> None:
    first, second = (f"https://hooks.example.com:8443/services/T000/{path}?token=abc" for path in "xy")
    assert redacted_url(first).startswith("https://hooks.example.com:8443/[redacted] sha256:")
    assert redacted_url(first) != redacted_url(second)
    assert redacted_url("https://[") == "[redacted]"


def test_fields_that_are_alike_are_left_out() -> None:
    assert differing({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ({"b": 2, "c": None}, {"b": 3, "c": 4})
    assert differing(None, {"a": 1}) == (None, {"a": 1})


def test_a_side_that_is_too_large_says_so() -> None:
    assert safe({"doc": "x" * MAX_SIDE}) == TOO_LARGE


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a.",
            "a-",
            "a+",
            "http://a",
            "http://a@",
            "http://a?",
            "eyJ-",
            "eyJ.",
            "eyJa.",
            "fbp1-",
            "fbp1.",
            "fb_aaaa_",
        ),
        *("bearer ", 'bearer"', "whsec_", "0123456789abcdef", "0" * 39 + "g", " ", "://", "a://", "?", "#"),
    ],
)
def test_a_long_text_is_searched_in_one_pass(unit: str) -> None:
    """A search that starts over at each place would take minutes for one of these."""
    redacted_text(unit * (200_000 // len(unit)))


def test_a_token_is_found_within_a_word() -> None:
    token = SECRETS[2]
    assert redacted_text(f"id-{token}, ({token}) {token}.x") == "id-[redacted], ([redacted]) [redacted]"
    assert redacted_text("eyJust a word. eyJ and eyJx.") == "eyJust a word. eyJ and eyJx."


def test_a_document_that_is_too_large_is_not_searched() -> None:
    assert safe({"a": "a." * MAX_SIDE}) == TOO_LARGE
