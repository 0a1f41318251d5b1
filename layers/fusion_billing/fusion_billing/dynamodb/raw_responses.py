"""Decode read responses as JSON: botocore's own parsing is half the cost of a query of thirty items.

botocore converts every response by the service's model. DynamoDB responds with JSON, and only binary attributes
differ after the conversion. So for read operations the body is decoded in the hook that botocore calls before it
parses, and botocore gets an empty body. Errors, and responses with binary attributes, are left to botocore.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = ("Query", "GetItem", "BatchGetItem")
_BINARY = (b'"B":', b'"BS":')
_OK = 200


def answer_raw(client: "DynamoDBClient") -> "DynamoDBClient":
    """Return the client, which from now on decodes read responses as JSON."""
    for operation in _READS:
        client.meta.events.register(f"before-parse.dynamodb.{operation}", _decode)
    return client


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    body: bytes = response_dict["body"]
    if response_dict["status_code"] != _OK or any(binary in body for binary in _BINARY):
        return
    customized_response_dict.update(json.loads(body))
    response_dict["body"] = b"{}"
