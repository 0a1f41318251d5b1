import base64
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from fusion_billing.webhooks.signing import new_secret, sign, verify

SECRETS = st.binary(min_size=24, max_size=64).map(new_secret)
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@given(SECRETS, IDS, st.integers(0, 4_000_000_000), st.text(st.characters(codec="utf-8")))
def test_we_sign_as_the_reference_library_does(secret: str, message_id: str, timestamp: int, body: str) -> None:
    theirs = Webhook(secret).sign(message_id, datetime.fromtimestamp(timestamp, UTC), body)
    assert sign(secret, message_id, timestamp, body.encode()) == theirs


@given(SECRETS, st.binary(), st.integers(0, 4_000_000_000))
def test_what_is_signed_verifies_whatever_bytes_it_is(secret: str, body: bytes, timestamp: int) -> None:
    signature = sign(secret, "msg_1", timestamp, body)
    assert len(base64.b64decode(signature.removeprefix("v1,"))) == 32
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,AAAA {signature}",
    }
    verify(secret, headers, body, now=timestamp)
