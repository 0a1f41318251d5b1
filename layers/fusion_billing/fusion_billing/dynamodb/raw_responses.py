"""Answers read as JSON straight away: half of what a query of thirty items costs is botocore's own parsing.

botocore walks every answer along the service's model to turn it into Python's types. DynamoDB's answers
are JSON already, and of the attribute types only binary ones come out differently. So for the operations that
read, the body is decoded here, in the hook botocore offers before it parses, and an empty one is left to it.
An answer that is no success, or holds a binary attribute, goes botocore's own way.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = ("Query", "GetItem", "BatchGetItem")
_BINARY = (b'"B":', b'"BS":')
_OK = 200


def answer_raw(client: "DynamoDBClient") -> "DynamoDBClient":
    """Return the client, from now on giving the answers to reads as the service's JSON has them."""
    for operation in _READS:
        client.meta.events.register(f"before-parse.dynamodb.{operation}", _decode)
    return client


def _decode(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    body: bytes = response_dict["body"]
    if response_dict["status_code"] != _OK or any(binary in body for binary in _BINARY):
        return
    customized_response_dict.update(json.loads(body))
    response_dict["body"] = b"{}"
