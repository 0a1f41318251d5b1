"""Forward ports of the address that containers reach to loopback, where the local cloud and its demo listen."""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterable, Iterator

_BLOCK = 65_536
_IP_FREEBIND = 15  # of <linux/in.h>; the socket module does not name it


@contextlib.contextmanager
def forwarded(address: str, ports: Iterable[int]) -> Iterator[None]:
    """Forward each port of `address` to the same port of 127.0.0.1 while the context lasts."""
    listeners = {port: _bound(address, port) for port in ports}
    try:
        for port, listener in listeners.items():
            threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        yield
    finally:
        for listener in listeners.values():
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which `close` alone does not
            listener.close()


def _bound(address: str, port: int) -> socket.socket:
    """Bind an address that may not exist yet: podman makes its bridge with the first container."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":
        bound.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    bound.bind((address, port))
    bound.listen()
    return bound


def _accept(listener: socket.socket, port: int) -> None:
    """Serve connections until the listener is closed."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(near, port), daemon=True).start()


def _serve(near: socket.socket, port: int) -> None:
    with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as far:
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until the source ends, then say so to the target."""
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
