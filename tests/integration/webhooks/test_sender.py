"""The sender against servers on loopback: what it accepts, what it cuts off, and where it never goes."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from fusion_billing.outbound.bounded_connection import MAX_RESPONSE_BYTES
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.outbound.webhook_sender import Limits, WebhookSender
from fusion_billing.webhooks.delivery_result import EndpointResponse

pytestmark = pytest.mark.integration

QUICK = Limits(connect=0.5, read=0.5, body=0.3, total=0.8)
"""For endpoints that never respond: what responds may take as long as a busy machine needs."""

Script = Callable[[socket.socket], None]
Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that does what a script says with each connection; returns its port."""
    listeners: list[socket.socket] = []

    def start(script: Script, *, tls: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection: socket.socket) -> None:
            try:
                with connection if tls is None else tls.wrap_socket(connection, server_side=True) as secured:
                    script(secured)
            except OSError:
                return

        threading.Thread(target=run, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def post(
    port: int,
    *,
    host: str = "127.0.0.1",
    path: str = "/hook",
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> EndpointResponse:
    sender = WebhookSender(SsrfGuard(loopback=True), limits=limits, tls=tls)
    return sender.post(f"{'https' if tls else 'http'}://{host}:{port}{path}", {"webhook-id": "msg_1"}, b"{}")


def says(answer: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return script


def test_a_message_goes_out_as_one_request(serve: Serve) -> None:
    seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    port = serve(script)
    assert post(port, path="/a%20b?c=d#e").status == 204
    head, _, body = seen[0].decode().partition("\r\n\r\n")
    assert head.splitlines()[0] == "POST /a%20b?c=d HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in head.splitlines()
    assert "webhook-id: msg_1" in head.splitlines()
    assert "Content-Length: 2" in head.splitlines()
    assert body == "{}"


@pytest.mark.parametrize(
    ("answer", "status", "excerpt"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", 200, "hi"),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", 200, "hi"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, "hi"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense", 200, ""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhi", 200, "hi"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nhi", 200, "hi"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nretry-after: 7\r\n\r\n", 503, ""),
        (b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\r\n", 302, ""),
        (b"HTTP/1.1 500 Oops\r\n\r\n\x00\x1b[31m" + "é".encode() + b"\xff", 500, "[31mé\ufffd"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 300, 200, "a" * 256),
    ],
)
def test_a_response_is_its_status_and_the_beginning_of_its_body(
    serve: Serve, answer: bytes, status: int, excerpt: str
) -> None:
    got = post(serve(says(answer)))
    assert (got.status, got.error, got.excerpt) == (status, None, excerpt)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "connection_closed"),
        (b"hello\r\n", "bad_answer"),
        (b"HTTP/1.1 OK\r\n\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2 * MAX_RESPONSE_BYTES, "bad_answer"),
        (b"\x00" * 2 * MAX_RESPONSE_BYTES, "bad_answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, "bad_answer"),
    ],
)
def test_an_invalid_response_is_a_failure_with_a_code(serve: Serve, answer: bytes, error: str) -> None:
    got = post(serve(says(answer)))
    assert (got.status, got.error) == (None, error)


def test_a_retry_after_is_passed_on(serve: Serve) -> None:
    assert post(serve(says(b"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\n\r\n"))).retry_after == "30"


def hang(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def drip_the_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    stopped = threading.Event()
    while not stopped.wait(0.05):
        connection.sendall(b"y")


@pytest.mark.parametrize("script", [hang, drip_the_head])
def test_an_endpoint_that_never_sends_a_status_times_out(serve: Serve, script: Script) -> None:
    got = post(serve(script), limits=QUICK)
    assert (got.status, got.error) == (None, "timed_out")


def test_reading_of_an_endless_slow_body_stops_at_the_deadline(serve: Serve) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        stopped = threading.Event()
        while not stopped.wait(0.05):
            connection.sendall(b"y")

    got = post(serve(script), limits=Limits(body=0.3))
    assert got.status == 200
    assert got.excerpt.startswith("y")


def test_reading_of_an_endless_body_stops_at_the_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    received = 0
    reading = socket.socket.recv_into

    def counting(self: socket.socket, buffer: Any, *more: Any) -> int:
        nonlocal received
        count = reading(self, buffer, *more)
        received += count
        return count

    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
        while True:
            connection.sendall(b"z" * 65536)

    port = serve(script)
    monkeypatch.setattr(socket.socket, "recv_into", counting)
    got = post(port)
    assert (got.status, got.excerpt) == (200, "z" * 256)
    assert 0 < received <= MAX_RESPONSE_BYTES


def test_a_reader_that_never_reads_does_not_hold_the_sender(serve: Serve) -> None:
    asleep = threading.Event()
    port = serve(lambda _connection: asleep.wait(5) and None)
    sender = WebhookSender(SsrfGuard(loopback=True), limits=QUICK)
    got = sender.post(f"http://127.0.0.1:{port}/", {}, b"x" * 50_000_000)
    asleep.set()
    assert (got.status, got.error) == (None, "timed_out")


def test_a_refused_connection_is_a_failure_with_a_code() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert post(port).error == "connect_failed"


def test_tls_is_checked_for_the_hosts_name(
    serve: Serve, authority: Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]
) -> None:
    good_server, good_client = authority("localhost")
    bad_server, bad_client = authority("elsewhere.example")
    names: list[str | None] = []
    good_server.sni_callback = lambda _socket, name, _context: names.append(name)
    answer = says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    port = serve(answer, tls=good_server)
    assert post(port, host="localhost", tls=good_client).status == 200
    assert names == ["localhost"]
    assert post(port, host="localhost", tls=bad_client).error == "tls_failed"
    assert post(serve(answer, tls=bad_server), host="localhost", tls=bad_client).error == "tls_failed"
    assert post(serve(answer), host="localhost", tls=good_client).error in {"tls_failed", "connection_closed"}


def test_a_missing_tls_handshake_times_out(
    serve: Serve, authority: Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]
) -> None:
    _, client = authority("localhost")
    assert post(serve(hang), host="localhost", tls=client, limits=QUICK).error == "timed_out"


class Rebinding:
    """Answers a public address the first time a name is asked for, and loopback ever after."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, _host: str, port: int, *_: Any) -> Iterable[Any]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]


def test_a_name_that_moved_inside_since_it_was_registered_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = SsrfGuard(resolver=Rebinding("93.184.216.34", "127.0.0.1"))
    guard.addresses(guard.check("https://hooks.example.com/"))
    connected: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: connected.append(address))
    got = WebhookSender(guard, limits=QUICK).post("https://hooks.example.com/", {}, b"{}")
    assert (got.status, got.error) == (None, "refused_address")
    assert connected == []


def test_the_connection_uses_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Rebinding("93.184.216.34", "127.0.0.1")
    connected: list[Any] = []

    def connect(_self: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    got = WebhookSender(SsrfGuard(resolver=resolver), limits=QUICK).post("https://hooks.example.com/", {}, b"{}")
    assert got.error == "connect_failed"
    assert connected == [("93.184.216.34", 443)]
    assert resolver.asked == 1


def test_proxies_of_the_environment_are_ignored(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxied = threading.Event()
    proxy = serve(lambda _connection: proxied.set())
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
    assert post(serve(says(b"HTTP/1.1 200 OK\r\n\r\n"))).status == 200
    assert not proxied.is_set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["http://169.254.169.254/", "//127.0.0.1:{port}/other", "/other"])
def test_a_redirect_is_not_followed(serve: Serve, status: int, location: str) -> None:
    requested: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requested.append(connection.recv(65536))
        connection.sendall(
            f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\n\r\n".replace("{port}", str(port)).encode()
        )

    port = serve(script)
    got = post(port)
    assert (got.status, got.success) == (status, False)
    assert len(requested) == 1
