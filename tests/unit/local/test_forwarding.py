"""Ports that containers reach are forwarded to loopback, both ways, until the context ends."""

import socket
import threading

import pytest

from local.sam_local.forwarding import forwarded


def test_bytes_pass_both_ways_and_the_end_passes_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        echo = threading.Thread(target=_echo_once, args=(server,))
        echo.start()
        with forwarded("127.0.0.2", [port]), socket.create_connection(("127.0.0.2", port), timeout=5) as client:
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(16), b""))
        echo.join(5)

    assert received == b"hello"


def test_nothing_listens_after_the_context() -> None:
    with forwarded("127.0.0.2", [port := _free_port()]):
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def _echo_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while block := connection.recv(16):
            connection.sendall(block)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
