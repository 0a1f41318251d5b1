"""Send reads to DynamoDB past much of botocore: half of what a call takes is botocore's work around it.

botocore prepares the call and resolves its endpoint. The hook `before-call`, whose handler may return the response in
place of the call, then has the request signed, sends it through the client's own connections, and decodes the response.
If that is anything but a success, the call is botocore's as if it had not been sent: with its attempts, its backoff and
its errors. That is for reads only, since they may be repeated.
"""

from typing import TYPE_CHECKING, Any
from zlib import crc32

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import BotoCoreError

from fusion_billing.dynamodb.raw_responses import OK, decoded
from fusion_billing.json_types import JsonObject

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from botocore.signers import RequestSigner
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = ("Query", "GetItem", "BatchGetItem")


def send_reads_directly(client: "DynamoDBClient") -> "DynamoDBClient":
    """Have a client send reads past much of botocore; return the client."""
    events: Any = client.meta.events  # its stubs know no handlers that return something
    send = _DirectReads(client)
    for operation in _READS:
        events.register_last(f"before-call.dynamodb.{operation}", send)
    return client


def _matches_checksum(response: AWSResponse) -> bool:
    """Return whether a body is the one that was sent, which botocore checks too."""
    checksum = response.headers.get("x-amz-crc32")
    return checksum is None or crc32(response.content) == int(checksum)


class _DirectReads:
    """The handler of `before-call`. It returns None for a call that is left to botocore."""

    def __init__(self, client: "DynamoDBClient") -> None:
        whole: Any = client
        self._session = whole._endpoint.http_session  # noqa: SLF001  its connections, with their settings

    def __call__(
        self,
        model: "OperationModel",
        params: JsonObject,
        request_signer: "RequestSigner",
        context: JsonObject,
        **_: object,
    ) -> tuple[AWSResponse, JsonObject] | None:
        request = AWSRequest("POST", params["url"], dict(params["headers"]), params["body"])
        request.context = context
        try:
            request_signer.sign(model.name, request)
            response: AWSResponse = self._session.send(request.prepare())
        except BotoCoreError:
            return None
        is_whole = response.status_code == OK and _matches_checksum(response)
        content = decoded(response.content) if is_whole else None
        if content is None:
            return None
        return response, {**content, "ResponseMetadata": {"HTTPStatusCode": OK}}
