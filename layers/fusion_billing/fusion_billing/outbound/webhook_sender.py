"""Sends one message to one URL, and says what came of it: whatever the other side does, an `Answer`."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

import certifi
from ssrfguard import Address, SSRFGuardError, Target, connect

from fusion_billing.errors import Refused
from fusion_billing.outbound.bounded_connection import BoundedConnection, Deadline
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.webhooks.delivery_result import EndpointResponse

USER_AGENT = "Fusion-Billing-Webhooks/1.0"
EXCERPT_BYTES = 256
_ADDRESSES_TRIED = 4
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (SSRFGuardError, "refused_address"),
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
"""What is kept of a failure, by the first class that it is of."""

_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a try may take, in seconds: each step, and all of it.

    Once the status is there, the rest of the answer is of interest to people alone, and gets `body`.
    """

    connect: float = 4.0
    read: float = 10.0
    body: float = 2.0
    total: float = 15.0


class WebhookSender:
    """Posts messages. It follows no redirect, uses no proxy, keeps no connection and no cookie."""

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
        self._given_tls = tls
        self._clock = clock

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        """Send `body` to `url` and return the answer. Raises nothing for what the other side does."""
        started = self._clock()
        answer = self._answer(url, headers, body)
        return EndpointResponse(
            status=answer.status,
            error=answer.error,
            retry_after=answer.retry_after,
            excerpt=answer.excerpt,
            milliseconds=round((self._clock() - started) * 1000),
        )

    def _answer(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        try:
            return self._exchange(url, headers, body)
        except Refused as error:
            unresolvable = error.faults[0].code == "unresolvable_host"
            return EndpointResponse(None, "unresolvable" if unresolvable else "refused_address")
        except (SSRFGuardError, OSError, EOFError, ValueError, http.client.HTTPException) as error:
            return EndpointResponse(None, next(word for kind, word in _WORDS if isinstance(error, kind)))

    def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        deadline = Deadline(self.limits.total, self._clock)
        target = self._guard.check(url)
        addresses = self._guard.addresses(target)
        sock = self._connect(target, addresses, deadline)
        try:
            if target.scheme == "https":
                sock.settimeout(deadline.left(self.limits.connect))
                sock = self._tls.wrap_socket(sock, server_hostname=target.host.rstrip("."))
            connection = BoundedConnection(sock, deadline, read_seconds=self.limits.read)
            connection.send(_request(url, target, headers, body))
            return self._read(connection, deadline)
        finally:
            sock.close()

    def _connect(self, target: Target, addresses: tuple[Address, ...], deadline: Deadline) -> socket.socket:
        policy = self._guard.policy_of(target)
        tried = addresses[:_ADDRESSES_TRIED]
        for address in tried[:-1]:
            try:
                return connect((address,), policy=policy, timeout=deadline.left(self.limits.connect))
            except OSError:
                continue
        return connect(tried[-1:], policy=policy, timeout=deadline.left(self.limits.connect))

    def _read(self, connection: BoundedConnection, deadline: Deadline) -> EndpointResponse:
        response = http.client.HTTPResponse(connection, method="POST")  # type: ignore[arg-type]
        response.begin()
        if connection.room <= 0:
            raise http.client.HTTPException("the answer's head does not end")
        deadline.shorten(self.limits.body)
        return EndpointResponse(
            status=response.status,
            retry_after=response.headers.get("retry-after"),
            excerpt=_excerpt(_beginning(response)),
        )

    @property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or self._public_tls

    @cached_property
    def _public_tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context


def _request(url: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    split = urlsplit(url)
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    host = f"[{target.host}]" if ":" in target.host else target.host.rstrip(".")
    if target.port != _DEFAULT_PORTS.get(target.scheme):
        host = f"{host}:{target.port}"
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """Read an answer's body up to its bounds, and return its first bytes.

    All of it is read, since closing in the middle would look to the other side like a failure. What
    goes wrong here does not matter: the status has said whether the message was taken.
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
