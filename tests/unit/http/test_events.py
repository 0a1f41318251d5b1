"""The bodies of API Gateway's events, and answers as it wants them."""

import base64
import json

import pytest

from fusion_billing.errors import Refused
from fusion_billing.http.api_gateway import body_of, json_response


def test_a_body_in_base64_is_decoded_and_one_that_is_none_refused() -> None:
    encoded = base64.b64encode(b"\x00\xff").decode()
    assert body_of({"body": encoded, "isBase64Encoded": True}) == b"\x00\xff"
    with pytest.raises(Refused) as refused:
        body_of({"body": "ä", "isBase64Encoded": True})
    assert refused.value.code == "malformed_body"


def test_an_answer_is_json_in_ascii_that_nothing_may_cache() -> None:
    made = json_response(200, {"a": "ä\ud800"}, {"x-extra": "1"})
    assert made["statusCode"] == 200
    assert made["headers"] == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-extra": "1",
    }
    assert made["body"].isascii()
    assert json.loads(made["body"]) == {"a": "ä\ud800"}
