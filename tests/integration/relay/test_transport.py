"""One call over HTTP: bounded in time, never led elsewhere, its failures told apart."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fusion_billing.odoo import errors
from fusion_billing.odoo.transport import Http

pytestmark = pytest.mark.integration

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"

Behaviour = Callable[[socket.socket], None]


@pytest.fixture
def serving() -> Iterator[Callable[[Behaviour], str]]:
    """Serve one connection at a time as told; return the address."""
    listeners: list[socket.socket] = []

    def start(behave: Behaviour) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    try:
                        behave(connection)
                    except OSError:
                        continue

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def post(url: str, seconds: float = 1.0) -> bytes:
    return Http(url, connect_seconds=0.5).post("/json/2/x/y", {}, b"{}", seconds).body


def test_a_response_has_its_type_and_its_retry_after(serving: Callable[[Behaviour], str]) -> None:
    url = serving(lambda peer: peer.sendall(HEAD + b"Retry-After: 17\r\nContent-Length: 2\r\n\r\n[]"))
    answer = Http(url).post("/x", {}, b"{}", 1.0)
    assert (answer.status, answer.content_type, answer.body, answer.retry_after) == (
        200,
        "application/json",
        b"[]",
        17,
    )


def test_silence_is_a_time_out(serving: Callable[[Behaviour], str]) -> None:
    with pytest.raises(errors.ReadTimeout):
        post(serving(lambda _: time.sleep(1)), 0.2)


def test_a_drip_of_bytes_is_a_time_out_too(serving: Callable[[Behaviour], str]) -> None:
    def drip(peer: socket.socket) -> None:
        peer.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(40):
            peer.sendall(b"1\r\n \r\n")
            time.sleep(0.05)

    with pytest.raises(errors.ReadTimeout):
        post(serving(drip), 0.3)


def test_a_connection_that_ends_early_leaves_the_outcome_unknown(
    serving: Callable[[Behaviour], str],
) -> None:
    for behaviour in (lambda _: None, lambda peer: peer.sendall(HEAD + b"Content-Length: 99\r\n\r\n[")):
        with pytest.raises(errors.ConnectionLost) as caught:
            post(serving(behaviour))
        assert caught.value.unknown


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(errors.ConnectError) as caught:
        post(f"http://127.0.0.1:{port}")
    assert not caught.value.unknown
    with pytest.raises(errors.ConnectError):
        post("http://no-such-host.invalid")


def test_a_redirect_is_not_followed(serving: Callable[[Behaviour], str]) -> None:
    reached = []

    def elsewhere(peer: socket.socket) -> None:
        reached.append(1)
        peer.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]")

    target = serving(elsewhere)
    moved = f"HTTP/1.1 302 Found\r\nLocation: {target}/\r\nContent-Length: 0\r\n\r\n".encode()
    answer = Http(serving(lambda peer: peer.sendall(moved))).post("/x", {}, b"{}", 1.0)
    assert answer.status == 302
    assert reached == []


def test_proxies_of_the_environment_are_not_used(
    serving: Callable[[Behaviour], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serving(lambda peer: peer.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(url) == b"[]"


@pytest.mark.parametrize("url", ["", "odoo.example.com", "ftp://odoo.example.com", "http://"])
def test_what_is_no_address_is_an_alarm(url: str) -> None:
    with pytest.raises(errors.WrongAddress):
        post(url)
