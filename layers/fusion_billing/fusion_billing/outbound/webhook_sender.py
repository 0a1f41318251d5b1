"""Send one message to one webhook URL; the result is an `EndpointResponse` in every case."""

import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from fusion_billing.errors import Refused
from fusion_billing.outbound.bounded_connection import BoundedConnection, Deadline
from fusion_billing.outbound.guarded_connection import open_socket
from fusion_billing.outbound.ssrf_guard import AddressChanged, SsrfGuard, Target
from fusion_billing.webhooks.delivery_result import EndpointResponse

USER_AGENT = "Fusion-Billing-Webhooks/1.0"
EXCERPT_BYTES = 256
_ERROR_CODES: tuple[tuple[type[Exception], str], ...] = (
    (AddressChanged, "refused_address"),
    (TimeoutError, "timed_out"),
    (ssl.SSLEOFError, "connection_closed"),
    (ssl.SSLZeroReturnError, "connection_closed"),
    (ssl.SSLError, "tls_failed"),
    (http.client.RemoteDisconnected, "connection_closed"),
    (ConnectionRefusedError, "connect_failed"),
    (ConnectionError, "connection_closed"),
    (http.client.HTTPException, "bad_answer"),
    (ValueError, "bad_answer"),
    (Exception, "connect_failed"),
)
"""The code of a failed attempt: that of the first class that the exception is an instance of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of an attempt, in seconds: of each step, and of the whole.

    `body` is short: once the status is known, the rest of the response matters to people only.
    """

    connect: float = 4.0
    read: float = 10.0
    body: float = 2.0
    total: float = 15.0


class WebhookSender:
    """Post messages. Follows no redirects, uses no proxy, reuses no connection and stores no cookies."""

    def __init__(
        self,
        guard: SsrfGuard,
        *,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = guard
        self.limits = limits or Limits()
        self._tls = tls
        self._clock = clock

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        """Send `body` to `url` and return the response; failures of the receiver are responses too."""
        started_at = self._clock()
        response = self._response(url, headers, body)
        return replace(response, milliseconds=round((self._clock() - started_at) * 1000))

    def _response(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        try:
            return self._exchange(url, headers, body)
        except Refused as error:
            is_unresolvable = error.faults[0].code == "unresolvable_host"
            return EndpointResponse(None, "unresolvable" if is_unresolvable else "refused_address")
        except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
            return EndpointResponse(None, next(code for kind, code in _ERROR_CODES if isinstance(error, kind)))

    def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        deadline = Deadline(self.limits.total, self._clock)
        target = self._guard.check(url)
        sock = open_socket(self._guard, target, deadline, self.limits.connect, self._tls)
        try:
            connection = BoundedConnection(sock, deadline, read_seconds=self.limits.read)
            connection.send(_request(target, headers, body))
            return self._read(connection, deadline)
        finally:
            sock.close()

    def _read(self, connection: BoundedConnection, deadline: Deadline) -> EndpointResponse:
        response = http.client.HTTPResponse(connection, method="POST")  # type: ignore[arg-type]
        response.begin()
        if connection.room <= 0:
            raise http.client.HTTPException("the header of the response does not end")
        deadline.shorten(self.limits.body)
        return EndpointResponse(
            status=response.status,
            retry_after=response.headers.get("retry-after"),
            excerpt=_excerpt(_beginning(response)),
        )


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """Read the body up to its limits, and return its first bytes.

    All of it is read, because the other side would take a connection that closes in the middle for a failure.
    Errors don't matter here: the status has already said whether the message was accepted.
    """
    beginning = b""
    try:
        while chunk := response.read1(4096):
            beginning += chunk[: EXCERPT_BYTES - len(beginning)]
    except (OSError, http.client.HTTPException, ValueError):
        return beginning
    return beginning


def _excerpt(beginning: bytes) -> str:
    text = beginning.decode("utf-8", errors="replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()
