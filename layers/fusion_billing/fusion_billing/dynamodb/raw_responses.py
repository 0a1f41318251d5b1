"""Decode read responses as JSON: botocore's own parsing is half the cost of a query of thirty items.

botocore converts every response by the service's model. DynamoDB responds with JSON, and only binary attributes
differ after the conversion. So for read operations the body is decoded in the hook that botocore calls before it
parses, binary attributes too, and botocore gets an empty body. A batch of statements counts as a read, since it returns
the items that exist. Errors, and responses with sets of binaries, are left to botocore.
"""

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from fusion_billing.json_types import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = ("Query", "GetItem", "BatchGetItem", "BatchExecuteStatement")
_BINARY = b'"B":'
_BINARIES = b'"BS":'
OK = 200


def decode_reads_as_json(client: "DynamoDBClient") -> "DynamoDBClient":
    """Have a client decode the responses of reads as JSON; return the client."""
    for operation in _READS:
        client.meta.events.register(f"before-parse.dynamodb.{operation}", _decode)
    return client


def decoded(body: bytes) -> JsonObject | None:
    """Return a response as botocore does, or None if it is left to botocore."""
    if _BINARIES in body:
        return None
    response: JsonObject = json.loads(body, object_hook=_decoded_binary) if _BINARY in body else json.loads(body)
    return response


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    response = decoded(response_dict["body"]) if response_dict["status_code"] == OK else None
    if response is not None:
        customized_response_dict.update(response)
        response_dict["body"] = b"{}"


def _decoded_binary(value: dict[str, Any]) -> dict[str, Any]:
    """Return an attribute's value decoded if it is binary, as botocore returns it."""
    if len(value) == 1 and isinstance(text := value.get("B"), str):
        return {"B": b64decode(text)}
    return value
