"""Encode requests as JSON: botocore's own serialization is most of what a batch of inserts costs.

botocore converts every parameter by the service's model. DynamoDB takes JSON, and only binary attributes differ from
the parameters. So botocore gets no parameters but the table's name, which its endpoints depend on, and the
body is encoded in the hook that it calls before it signs. Errors, retries and responses are left to botocore.
"""

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ENCODED = ("BatchExecuteStatement", "PutItem", "UpdateItem", "Query")
_PARAMETERS = "fusion_billing_parameters"


def encode_requests_as_json(client: "DynamoDBClient") -> "DynamoDBClient":
    """Have a client that does not validate parameters encode those of writes and queries as JSON; return the client."""
    for operation in _ENCODED:
        client.meta.events.register(f"provide-client-params.dynamodb.{operation}", _set_aside)
        client.meta.events.register(f"before-call.dynamodb.{operation}", _encode)
    return client


def _set_aside(params: dict[str, Any], context: dict[str, Any], **_: Any) -> Any:
    """Keep the parameters for `_encode`, and return those that botocore gets."""
    context[_PARAMETERS] = params
    return {"TableName": params["TableName"]} if "TableName" in params else {}


def _encode(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = _ENCODER.encode(context[_PARAMETERS]).encode()


def _base64(value: object) -> str:
    """Return a binary attribute as DynamoDB takes it."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is not the type of an attribute")


# Parameters are built here, never in a circle.
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_base64)
