"""Make one HTTP call to Odoo within a time limit, and classify the failures of the connection.

Odoo closes the connection after each call, so each call opens one. Proxies and `.netrc` of the environment
are ignored, redirects are not followed (a key must not travel to another address).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests
import urllib3.exceptions

from fusion_billing.odoo.errors import ConnectError, ConnectionLost, OdooError, ReadTimeout, WrongAddress

_CHUNK = 65_536
_LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; `content_type` is without its parameters."""

    status: int
    content_type: str
    body: bytes
    retry_after: int | None = None


class Http:
    """Send requests to one Odoo server.

    `url` is its base URL and `connect_seconds` the time limit of connecting. Each call has its own limit
    for the whole response, however slowly it arrives.
    """

    def __init__(self, url: str, *, connect_seconds: float = 5.0) -> None:
        self._url = url.rstrip("/")
        self._connect_seconds = connect_seconds

    def get(self, path: str, seconds: float) -> Response:
        """Get `path` without a key; raises what `post` raises."""
        return self._request("GET", path, {}, None, seconds)

    def post(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        """Post `body` and return the response.

        Raises:
            OdooError: `ConnectError`, `ReadTimeout`, `ConnectionLost` or `WrongAddress`, if there is no response.
        """
        return self._request("POST", path, headers, body, seconds)

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Response:
        deadline = time.monotonic() + seconds
        with requests.Session() as session:
            session.trust_env = False
            try:
                response = session.request(
                    method,
                    self._url + path,
                    data=body,
                    headers={"Accept-Encoding": "gzip, identity", "User-Agent": "fusion-billing", **headers},
                    timeout=(min(self._connect_seconds, seconds), seconds),
                    allow_redirects=False,
                    stream=True,
                )
                return Response(
                    response.status_code,
                    response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                    _read(response, deadline),
                    _seconds(response.headers.get("Retry-After")),
                )
            except requests.RequestException as error:
                raise _odoo_error(error) from None


def _read(response: requests.Response, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK):
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            raise ReadTimeout("the response did not end in time")
        if size > _LARGEST:
            raise WrongAddress("the response is too large to be Odoo's")
    return b"".join(parts)


def _seconds(header: str | None) -> int | None:
    return int(header) if header and header.isascii() and header.isdigit() else None


_BY_TYPE: tuple[tuple[type[BaseException], type[OdooError], str], ...] = (
    (requests.exceptions.SSLError, WrongAddress, "the TLS certificate is not valid for this address"),
    (requests.exceptions.ConnectTimeout, ConnectError, "the connection could not be made in time"),
    (requests.exceptions.ReadTimeout, ReadTimeout, "no response in time"),
    (ValueError, WrongAddress, "ODOO_URL is not a valid URL"),  # InvalidURL, MissingSchema, …
)
_BY_CAUSE: tuple[tuple[type[BaseException], type[OdooError], str], ...] = (
    (urllib3.exceptions.ReadTimeoutError, ReadTimeout, "the response did not end in time"),
    (
        urllib3.exceptions.NewConnectionError,
        ConnectError,
        "the connection was refused, or the name does not resolve",
    ),
)


def _odoo_error(error: requests.RequestException) -> OdooError:
    """Return the `OdooError` for an error of requests, without its text, which may contain the address."""
    name = type(error).__name__
    for kind, ours, words in _BY_TYPE:
        if isinstance(error, kind):
            return ours(words, name=name)
    for cause in _wrapped_errors(error):
        for kind, ours, words in _BY_CAUSE:
            if isinstance(cause, kind):
                return ours(words, name=kind.__name__)
    return ConnectionLost("the connection ended before the response did", name=name)


def _wrapped_errors(error: BaseException) -> list[object]:
    """Return the errors that requests wrapped: its arguments, and the `reason` of a MaxRetryError."""
    found: list[object] = []
    for argument in error.args:
        found.append(argument)
        reason = getattr(argument, "reason", None)
        if reason is not None:
            found.append(reason)
    return found
