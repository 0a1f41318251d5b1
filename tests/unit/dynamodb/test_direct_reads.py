"""Reads sent past botocore are signed, decoded and repeated as botocore's own."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from zlib import crc32

import pytest
from botocore import auth
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError

from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.direct_reads import send_reads_directly
from fusion_billing.dynamodb.raw_requests import encode_requests_as_json
from fusion_billing.dynamodb.raw_responses import decode_reads_as_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)
QUERY: dict[str, Any] = {
    "TableName": "usage",
    "KeyConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "é#1"}, ":packed": {"B": b"\x00\xff"}},
}
FOUND = {"Items": [{"pk": {"S": "é#1"}, "packed": {"B": b64encode(b"\x00\xff").decode()}}], "Count": 1}


class Response:
    """What botocore's HTTP session returns."""

    def __init__(self, status: int, document: dict[str, Any], **headers: str) -> None:
        self.status_code, self.headers, self.content = status, headers, json.dumps(document).encode()
        self.raw = None


class Service:
    """A DynamoDB that responds with `responses` in turn, and keeps the requests."""

    def __init__(self, *responses: Response | Exception) -> None:
        self.responses = list(responses)
        self.requests: list[AWSPreparedRequest] = []

    def __call__(self, request: AWSPreparedRequest) -> Response:
        self.requests.append(request)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response


def headers_of(request: AWSPreparedRequest) -> dict[str, str]:
    """Return a request's headers, by lower-case name, as text."""
    named: Any = request.headers.items()
    return {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in named}


UNSIGNED = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request"}
"""Headers that botocore does not sign, since it or another library may still change them."""


def signed(request: AWSPreparedRequest) -> dict[str, str]:
    """Return a request's headers, its signature too, but those that it does not cover."""
    return {name: value for name, value in headers_of(request).items() if name not in UNSIGNED}


def directly(dynamodb: "DynamoDBClient") -> "DynamoDBClient":
    """Return a client that sends reads past botocore."""
    return send_reads_directly(decode_reads_as_json(dynamodb))


Make = Callable[..., "DynamoDBClient"]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Returns a function that makes a client of a `Service`."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setattr("time.sleep", lambda _: None)
    made = []

    def of(service: Service, *, url: str | None = None, token: str | None = None) -> "DynamoDBClient":
        keys: Any = {"aws_access_key_id": "AKID", "aws_secret_access_key": "secret", "aws_session_token": token}
        dynamodb: DynamoDBClient = client.make("dynamodb", endpoint_url=url, **keys)
        made.append(dynamodb)
        whole: Any = dynamodb
        whole._endpoint.http_session.send = service
        return encode_requests_as_json(dynamodb)

    yield of
    for dynamodb in made:
        dynamodb.close()


@pytest.mark.parametrize("token", [None, "a token"])
@pytest.mark.parametrize(
    "url",
    [
        *(None, "http://localhost:8000", "https://dynamodb.example.com:443/", "http://[::1]:80"),
        *("http://localhost:8000/dynamodb", "http://localhost:8000/?table=1"),
    ],
)
def test_the_request_is_the_one_that_botocore_sends(make: Make, url: str | None, token: str | None) -> None:
    direct, own = Service(Response(200, FOUND)), Service(Response(200, FOUND))

    with patch.object(auth, "get_current_datetime", lambda: NOW):
        directly(make(direct, url=url, token=token)).query(**QUERY)
        make(own, url=url, token=token).query(**QUERY)

    (sent,), (expected,) = direct.requests, own.requests
    assert (sent.method, sent.url) == (expected.method, expected.url)
    assert signed(sent) == signed(expected)
    assert sent.body == expected.body


def test_a_response_is_decoded_as_botocore_decodes_it(make: Make) -> None:
    found = [
        made.query(**QUERY)
        for made in (make(Service(Response(200, FOUND))), directly(make(Service(Response(200, FOUND)))))
    ]

    assert found[0]["Items"] == found[1]["Items"] == [{"pk": {"S": "é#1"}, "packed": {"B": b"\x00\xff"}}]


def test_a_read_that_fails_is_repeated_by_botocore(make: Make) -> None:
    throttled = Response(400, {"__type": "com.amazonaws#ProvisionedThroughputExceededException"})
    closed = ConnectionClosedError(endpoint_url="https://dynamodb.eu-north-1.amazonaws.com")
    service = Service(closed, throttled, Response(200, FOUND))

    assert directly(make(service)).query(**QUERY)["Count"] == 1

    assert len({request.body for request in service.requests}) == 1


def test_an_error_is_raised_as_botocore_raises_it(make: Make) -> None:
    missing = {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no such table"}
    service = Service(Response(400, missing), Response(400, missing))

    with pytest.raises(ClientError, match="no such table"):
        directly(make(service)).query(**QUERY)


def test_a_response_that_was_damaged_is_read_again(make: Make) -> None:
    whole = crc32(Response(200, FOUND).content)
    damaged = Response(200, {**FOUND, "Count": 2}, **{"x-amz-crc32": str(whole)})
    service = Service(damaged, Response(200, FOUND, **{"x-amz-crc32": str(whole)}))

    assert directly(make(service)).query(**QUERY)["Count"] == 1


def test_sets_of_binaries_are_left_to_botocore(make: Make) -> None:
    found = Response(200, {"Item": {"set": {"BS": [b64encode(b"\x01").decode()]}}})

    response = directly(make(Service(found, found))).get_item(TableName="usage", Key={"pk": {"S": "1"}})

    assert response["Item"] == {"set": {"BS": [b"\x01"]}}


def test_a_write_is_sent_by_botocore_alone(make: Make) -> None:
    closed = ConnectionClosedError(endpoint_url="https://dynamodb.eu-north-1.amazonaws.com")
    service = Service(*[closed] * 3)

    with pytest.raises(ConnectionClosedError):
        directly(make(service)).batch_execute_statement(
            Statements=[{"Statement": 'DELETE FROM "usage" WHERE pk = ?', "Parameters": [{"B": b"\x01"}]}]
        )

    assert len(service.requests) == 3


def test_credentials_are_taken_anew_for_each_read(make: Make) -> None:
    service = Service(Response(200, FOUND), Response(200, FOUND))
    dynamodb = directly(make(service))
    dynamodb.query(**QUERY)
    whole: Any = dynamodb
    whole._request_signer._credentials = Credentials("NEXT", "secret")

    dynamodb.query(**QUERY)

    first, second = (headers_of(request)["authorization"] for request in service.requests)
    assert "Credential=AKID/" in first
    assert "Credential=NEXT/" in second
