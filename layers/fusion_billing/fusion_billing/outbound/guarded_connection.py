"""Connect to a host that the SSRF guard allows, and to no other."""

import socket
import ssl
from functools import cache

import certifi

from fusion_billing.outbound.bounded_connection import Deadline
from fusion_billing.outbound.ssrf_guard import Address, AddressChanged, SsrfGuard, Target, connect

_MAX_ADDRESSES = 4


def open_socket(
    guard: SsrfGuard, target: Target, deadline: Deadline, seconds: float, tls: ssl.SSLContext | None = None
) -> socket.socket:
    """Return a socket to a checked target, encrypted for `https`; each step may take `seconds`.

    Raises `Refused` for an address that is not allowed, and `OSError`.
    """
    sock = _connect(guard.addresses(target), deadline, seconds)
    if target.scheme != "https":
        return sock
    try:
        sock.settimeout(deadline.left(seconds))
        return (tls or public_tls()).wrap_socket(sock, server_hostname=target.host)
    except BaseException:
        sock.close()
        raise


@cache
def public_tls() -> ssl.SSLContext:
    """Return the settings of TLS with the public certificate authorities."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _connect(addresses: tuple[Address, ...], deadline: Deadline, seconds: float) -> socket.socket:
    """Connect to the first of the addresses that accepts a connection, up to four of them."""
    *others, last = addresses[:_MAX_ADDRESSES]
    for address in others:
        try:
            return connect(address, deadline.left(seconds))
        except AddressChanged:
            raise
        except OSError:
            continue
    return connect(last, deadline.left(seconds))
