"""Test that requests are encoded as botocore encodes them: the same bytes but for blanks, the same address."""

import json
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError

from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.raw_requests import encode_requests_as_json

ENTRY = {"M": {"q": {"N": "1.5"}, "at": {"S": "2026-11-22T00:00:00Z"}}}
ITEM: dict[str, Any] = {
    "pk": {"S": 'U#app#"ü\u2028\\'},
    "list": {"L": [ENTRY, {"NULL": True}, {"BOOL": False}]},
    "set": {"SS": ["a", "b"]},
    "bytes": {"B": b"\x00\xff\xfe"},
    "all_bytes": {"BS": [b"1", b"\xff"]},
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("put_item", {"TableName": "markers", "Item": ITEM}),
    (
        "update_item",
        {
            "TableName": "usage",
            "Key": {"pk": {"S": "k"}},
            "UpdateExpression": "SET #q = :q",
            "ConditionExpression": "attribute_not_exists(pk)",
            "ExpressionAttributeNames": {"#q": "q"},
            "ExpressionAttributeValues": {":q": {"N": "1"}, ":entry": {"L": [ENTRY]}, ":bytes": {"B": b"\x01"}},
            "ReturnValues": "UPDATED_OLD",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    (
        "batch_execute_statement",
        {
            "Statements": [
                {
                    "Statement": "INSERT INTO \"usage\" VALUE {'pk':?}",
                    "Parameters": [{"S": str(number)}, *ITEM.values()],
                }
                for number in range(25)
            ]
        },
    ),
    (
        "query",
        {
            "TableName": "usage",
            "IndexName": "pair",
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": ITEM["pk"]},
            "ConsistentRead": True,
        },
    ),
    ("get_item", {"TableName": "usage", "Key": {"pk": {"S": "k"}}, "ConsistentRead": True}),
]

Send = Callable[[AWSPreparedRequest], AWSResponse]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(time, "sleep", lambda _: None)


def made(send: Send) -> Any:
    """Return a client whose requests `send` answers."""
    connected: Any = client.make("dynamodb", region_name="eu-central-1")
    connected.meta.events.register("before-send.dynamodb", lambda request, **_: send(request))
    return connected


class Body(BytesIO):
    """A response's body as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def response(status: int = 200, document: object = None) -> AWSResponse:
    raw: Any = Body(json.dumps(document or {}).encode())
    headers: Any = {"content-type": "application/x-amz-json-1.0"}
    return AWSResponse("http://test", status, headers, raw)


def sent(name: str, parameters: dict[str, Any], *, encoding: bool) -> Any:
    """Return the request of a call."""
    requests: list[AWSPreparedRequest] = []

    def send(request: AWSPreparedRequest) -> AWSResponse:
        requests.append(request)
        return response()

    connected = made(send)
    getattr(encode_requests_as_json(connected) if encoding else connected, name)(**parameters)
    (request,) = requests
    return request


@pytest.mark.parametrize(("name", "parameters"), CALLS, ids=[name for name, _ in CALLS])
def test_a_request_says_what_botocores_own_would(name: str, parameters: dict[str, Any]) -> None:
    before = json.dumps(parameters, default=repr)
    encoded, plain = (sent(name, parameters, encoding=encoding) for encoding in (True, False))

    assert json.loads(encoded.body) == json.loads(plain.body)
    assert encoded.url == plain.url
    assert encoded.headers["X-Amz-Target"] == plain.headers["X-Amz-Target"]
    assert encoded.headers["Content-Type"] == plain.headers["Content-Type"]
    assert int(encoded.headers["Content-Length"]) == len(encoded.body)
    assert json.dumps(parameters, default=repr) == before


def test_a_repeated_request_has_the_same_body() -> None:
    bodies: list[Any] = []

    def send(request: AWSPreparedRequest) -> AWSResponse:
        bodies.append(request.body)
        return response(503) if len(bodies) == 1 else response()

    encode_requests_as_json(made(send)).put_item(TableName="markers", Item=ITEM)

    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_an_error_is_what_botocore_makes_of_it() -> None:
    document = {"__type": "com.amazonaws#ConditionalCheckFailedException", "Item": {"pk": {"S": "k"}}}

    with pytest.raises(ClientError) as raised:
        encode_requests_as_json(made(lambda _: response(400, document))).update_item(**CALLS[1][1])

    assert raised.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    found: Any = raised.value.response
    assert found["Item"] == {"pk": {"S": "k"}}


def test_a_value_of_another_type_is_a_bug() -> None:
    with pytest.raises(TypeError, match="object is not the type of an attribute"):
        encode_requests_as_json(made(lambda _: response())).put_item(TableName="markers", Item={"pk": {"S": object()}})
