"""Send reads to DynamoDB past most of botocore: more than half of what a call takes is botocore's work around it.

botocore prepares the call and resolves its endpoint. The hook `before-call`, whose handler may return the response in
place of the call, then signs the request, sends it through the client's own connections, and decodes the response. If
that is anything but a success, the call is botocore's as if it had not been sent: with its attempts, its backoff and
its errors. That is for reads only, since they may be repeated.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zlib import crc32

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError

from fusion_billing.dynamodb.raw_responses import OK, decoded
from fusion_billing.dynamodb.request_signature import signed_headers
from fusion_billing.json_types import JsonObject

if TYPE_CHECKING:
    from botocore.signers import RequestSigner
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = ("Query", "GetItem", "BatchGetItem")
_SIGNATURE = "v4"
_PORTS = {"http": 80, "https": 443}


def send_reads_directly(client: "DynamoDBClient", clock: Callable[[], datetime]) -> "DynamoDBClient":
    """Have a client send reads past most of botocore, signed at the time of `clock` (UTC); return the client."""
    events: Any = client.meta.events  # its stubs know no handlers that return something
    send = _DirectReads(client, clock)
    for operation in _READS:
        events.register_last(f"before-call.dynamodb.{operation}", send)
    return client


@lru_cache(maxsize=4)
def _host(url: str) -> str | None:
    """Return what the header `Host` of a request will be; None if its URL is not the root of a host."""
    parts = urlsplit(url)
    if parts.path not in {"", "/"} or parts.query or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = parts.port in {None, _PORTS.get(parts.scheme)}
    return host if is_default else f"{host}:{parts.port}"


def _is_signed_otherwise(context: JsonObject, request_signer: "RequestSigner") -> bool:
    """Return whether a call has to be signed for another region or service, or by another version of the signature."""
    return "signing" in context or (context.get("auth_type") or request_signer.signature_version) != _SIGNATURE


def _matches_checksum(response: AWSResponse) -> bool:
    """Return whether a body is the one that was sent, which botocore checks too."""
    checksum = response.headers.get("x-amz-crc32")
    return checksum is None or crc32(response.content) == int(checksum)


class _DirectReads:
    """The handler of `before-call`. It returns None for a call that is left to botocore."""

    def __init__(self, client: "DynamoDBClient", clock: Callable[[], datetime]) -> None:
        whole: Any = client
        self._session = whole._endpoint.http_session  # noqa: SLF001  its connections, with their settings
        self._clock = clock
        self._region = client.meta.region_name

    def __call__(
        self, params: JsonObject, request_signer: "RequestSigner", context: JsonObject, **_: object
    ) -> tuple[AWSResponse, JsonObject] | None:
        host, body = _host(params["url"]), params["body"]
        if host is None or _is_signed_otherwise(context, request_signer):
            return None
        credentials = request_signer.get_auth("dynamodb", self._region).credentials
        if credentials is None:
            return None
        headers: Any = signed_headers(
            params["headers"], body, host=host, region=self._region, credentials=credentials, now=self._clock()
        )
        headers["Content-Length"] = str(len(body))
        request = AWSPreparedRequest("POST", params["url"], headers, body, stream_output=False)
        return self._response(request)

    def _response(self, request: AWSPreparedRequest) -> tuple[AWSResponse, JsonObject] | None:
        try:
            response = self._session.send(request)
        except BotoCoreError:
            return None
        is_whole = response.status_code == OK and _matches_checksum(response)
        content = decoded(response.content) if is_whole else None
        if content is None:
            return None
        return response, {**content, "ResponseMetadata": {"HTTPStatusCode": OK}}
