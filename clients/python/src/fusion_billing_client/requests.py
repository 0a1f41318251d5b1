"""What both clients share: one request, its headers, and the reading of its response."""

import encodings.idna  # noqa: F401  see below
import json
import platform
import ssl  # noqa: F401
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import certifi  # noqa: F401
import httpcore  # noqa: F401
import httpx

from fusion_billing_client._version import __version__
from fusion_billing_client.errors import APIError, ConnectionFailed, TimedOut, TransportError, api_error
from fusion_billing_client.retries import RetryPolicy, retry_after_seconds

# httpx imports some modules when they are first needed. A process that is forked meanwhile would wait for the import
# of a thread that it does not have, so they are imported here.

USER_AGENT = f"fusion-billing-client/{__version__} python/{platform.python_version()}"
NOT_FOUND = 404
_SHOWN = 200
_FIRST_ERROR = 400


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: The HTTP method.
        path: The path, from `/v1` on.
        query: The query parameters.
        body: The JSON body; None for none.
        accept: The media type that is requested.
        repeatable: Whether a repetition does no harm, so that it is sent again after a lost connection.
        retries: The retry policy, if not the client's.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    accept: str = "application/json"
    repeatable: bool = True
    retries: RetryPolicy | None = None

    @property
    def content(self) -> bytes | None:
        """Return the body's bytes."""
        return None if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()


def headers(key: str | None, request: Request) -> dict[str, str]:
    """Return the headers of a request."""
    sent = {"User-Agent": USER_AGENT, "Accept": f"{request.accept}, application/problem+json"}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    if request.body is not None:
        sent["Content-Type"] = "application/json"
    return sent


def failure(response: httpx.Response) -> APIError | None:
    """Return the error that a response is, or None."""
    if response.status_code < _FIRST_ERROR:
        return None
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"code": "unexpected_response", "detail": response.text[:_SHOWN] or response.reason_phrase}
    if "detail" not in document and "message" in document:  # API Gateway's own errors
        document = {"code": "unexpected_response", **document, "detail": str(document["message"])}
    return api_error(response.status_code, document, retry_after_seconds(response.headers.get("retry-after")))


def read_json(response: httpx.Response) -> Any:
    """Return the JSON of a successful response, None if it has no body."""
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        detail = f"The response is not JSON: {response.text[:_SHOWN]}"
        raise api_error(response.status_code, {"code": "unexpected_response", "detail": detail}) from None


def transport_error(error: httpx.TransportError, request: Request) -> TransportError:
    """Return the exception for a request without a response."""
    what = f"{request.method} {request.path}"
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{what}: no response in time ({type(error).__name__})")
    return ConnectionFailed(f"{what}: {str(error) or type(error).__name__}")


def was_not_sent(error: httpx.TransportError) -> bool:
    """Return whether the service can't have received the request."""
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def check_base_url(base_url: str) -> str:
    """Return the base URL without a trailing slash; raises `ValueError` if it is not one."""
    url = httpx.URL(base_url)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"base_url: must be an http or https URL, such as https://billing.example.com: {base_url!r}")
    return base_url.rstrip("/").removesuffix("/v1")


def check_key(key: str | None) -> str | None:
    """Return an API key; raises `ValueError`, which does not show it, if a header can't carry it."""
    if key is not None and (not key.isascii() or not key.isprintable() or " " in key):
        raise ValueError("key: must be an API key such as fb_<id>_<secret>, without spaces or line breaks")
    return key
