import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from fusion_billing.webhooks.signing import InvalidSecret, InvalidSignature, new_secret, sign, sign_all, verify

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "data" / "cases" / "webhooks.json").read_text())
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = b'{"type":"rating.updated"}'


def cases(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["vid"]) for case in CASES if case["kind"] == kind]


@pytest.mark.parametrize("case", cases("sign"))
def test_published_vectors_are_signed_alike(case: dict[str, Any]) -> None:
    signed = sign(case["secret"], case["id"], case["timestamp"], case["payload"].encode())
    assert signed == case["expected_signature"]


@pytest.mark.parametrize("case", cases("verify"))
def test_published_vectors_are_verified_alike(case: dict[str, Any]) -> None:
    def check() -> None:
        verify(
            case["secret"],
            case["headers"],
            case["payload"].encode(),
            now=case["now"],
            tolerance_seconds=case["tolerance_seconds"],
        )

    if case["accept"]:
        check()
    else:
        with pytest.raises(InvalidSignature):
            check()


def test_the_reference_library_verifies_what_we_sign_under_either_secret_of_a_rotation() -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign_all([OTHER, SECRET], "msg_1", now, BODY),
    }
    assert headers["webhook-signature"].count(" ") == 1
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(BODY.decode(), headers) == {"type": "rating.updated"}


def test_a_new_secret_is_random_bytes_behind_its_prefix() -> None:
    assert new_secret(bytes(range(32))) == OTHER


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_new_secret_of_too_few_or_too_many_bytes_is_refused(size: int) -> None:
    with pytest.raises(InvalidSecret):
        new_secret(bytes(size))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "not base64!",
        "whsec_@@@@",
        "whsec_abc",
        "whsec_MfKQ9r8G\nKYqrTwjU",
        "whsec_gehëim12",
        " ",
    ],
)
def test_a_bad_secret_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(InvalidSecret) as caught:
        sign(secret, "msg_1", 1614265330, BODY)
    quoted = secret.removeprefix("whsec_").strip()
    assert not quoted or quoted not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def headers_of(**changes: str) -> dict[str, str]:
    signed = sign(SECRET, "msg_1", 1_000_000, BODY)
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": "1000000",
        "Webhook-Signature": signed,
        **changes,
    }


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_message_within_the_tolerance_is_accepted(seconds: int) -> None:
    verify(SECRET, headers_of(), BODY, now=1_000_000 + seconds)


@pytest.mark.parametrize(
    ("changes", "body", "now"),
    [
        pytest.param({}, BODY, 1_000_301, id="too old"),
        pytest.param({}, BODY, 999_699, id="from the future"),
        pytest.param({}, BODY + b" ", 1_000_000, id="another body"),
        pytest.param({"Webhook-Id": "msg_2"}, BODY, 1_000_000, id="another id"),
        pytest.param({"Webhook-Timestamp": "1000001"}, BODY, 1_000_000, id="another time"),
        pytest.param({"Webhook-Timestamp": "soon"}, BODY, 1_000_000, id="no time"),
        pytest.param({"Webhook-Timestamp": ""}, BODY, 1_000_000, id="no timestamp"),
        pytest.param({"Webhook-Signature": ""}, BODY, 1_000_000, id="no signature"),
        pytest.param({"Webhook-Signature": "v1a,é"}, BODY, 1_000_000, id="another scheme"),
    ],
)
def test_what_was_not_signed_so_is_refused(changes: dict[str, str], body: bytes, now: int) -> None:
    with pytest.raises(InvalidSignature):
        verify(SECRET, headers_of(**changes), body, now=now)


def test_a_signature_among_others_is_found() -> None:
    several = "v1,AAAA v1a,xxxx " + headers_of()["Webhook-Signature"]
    verify(SECRET, headers_of(**{"Webhook-Signature": several}), BODY, now=1_000_000)
