"""The demo's receiver takes what is signed well, once, and nothing else."""

import json
import time
from pathlib import Path

import pytest

from fusion_billing.webhooks.signing import sign
from local.receiver import Receiver

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BODY = json.dumps({"type": "rating.updated", "timestamp": "2026-11-01T00:00:00Z", "data": {"charge": "c"}}).encode()


def headers(body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, "msg_1", now, body),
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "webhooks.jsonl"


def test_what_is_signed_well_is_noted_once(file: Path) -> None:
    with Receiver(0, file) as receiver:
        receiver.trust(SECRET)

        assert [receiver.take(headers(), BODY) for _ in range(2)] == [204, 204]
        assert [message.type for message in receiver.received()] == ["rating.updated"]


def test_another_secret_is_refused_and_counted(file: Path) -> None:
    with Receiver(0, file) as receiver:
        receiver.trust("whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=")

        assert receiver.take(headers(), BODY) == 401
        assert receiver.refused == 1
        assert receiver.received() == []


def test_a_changed_body_is_refused(file: Path) -> None:
    with Receiver(0, file) as receiver:
        receiver.trust(SECRET)

        assert receiver.take(headers(), BODY.replace(b"2026", b"2027")) == 401


def test_before_it_has_the_secret_it_asks_to_be_told_again(file: Path) -> None:
    with Receiver(0, file) as receiver:
        assert receiver.take(headers(), BODY) == 503


def test_what_it_received_outlives_it(file: Path) -> None:
    with Receiver(0, file) as receiver:
        receiver.trust(SECRET)
        receiver.take(headers(), BODY)

    with Receiver(0, file) as again:
        assert [message.id for message in again.received()] == ["msg_1"]
