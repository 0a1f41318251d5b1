"""Send small requests to a service on the internet through the SSRF guard: one JSON object comes back."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping

from fusion_billing.errors import Refused
from fusion_billing.json_types import JsonObject
from fusion_billing.outbound.bounded_connection import BoundedConnection, Deadline
from fusion_billing.outbound.guarded_connection import open_socket
from fusion_billing.outbound.ssrf_guard import SsrfGuard, Target

_CONNECT_SECONDS, _READ_SECONDS, _TOTAL_SECONDS = 3.0, 5.0, 8.0
_OK = 200


class RequestFailed(Exception):
    """No JSON object came back; `status` is that of the response, None if there was none."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class GuardedClient:
    """Gets and posts. Follows no redirects, uses no proxy, and reads no more than 64 kB."""

    def __init__(
        self, guard: SsrfGuard, *, tls: ssl.SSLContext | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._guard = guard
        self._tls = tls
        self._clock = clock

    def get(self, url: str) -> JsonObject:
        """Return the JSON object at a URL; raises `RequestFailed`."""
        return self._object("GET", url, {}, b"")

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> JsonObject:
        """Return the JSON object that a URL responds with; raises `RequestFailed`."""
        return self._object("POST", url, headers, body)

    def _object(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> JsonObject:
        try:
            status, content = self._exchange(method, url, headers, body)
        except Refused as error:
            raise RequestFailed(error.faults[0].code) from None
        except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
            raise RequestFailed(type(error).__name__) from None
        if status != _OK:
            raise RequestFailed(f"status {status}", status)
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise RequestFailed("no JSON object", status)
        return value

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        deadline = Deadline(_TOTAL_SECONDS, self._clock)
        target = self._guard.check(url)
        sock = open_socket(self._guard, target, deadline, _CONNECT_SECONDS, self._tls)
        try:
            connection = BoundedConnection(sock, deadline, read_seconds=_READ_SECONDS)
            connection.send(_message(method, target, headers, body))
            response = http.client.HTTPResponse(connection, method=method)  # type: ignore[arg-type]
            response.begin()
            content = response.read()
            if connection.room <= 0:
                raise http.client.HTTPException("the response is too large")
            return response.status, content
        finally:
            sock.close()


def _message(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"{method} {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "User-Agent: Fusion-Billing/1.0",
        "Accept: application/json",
        "Connection: close",
        *([f"Content-Length: {len(body)}"] if body else []),
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
