"""Keep webhooks away from internal networks (server-side request forgery, SSRF).

A URL is checked when an endpoint is registered and again at each delivery. A delivery parses the URL once,
resolves the host once, checks every address in the DNS response, and connects to one of these addresses: no name is
resolved a second time, so that a DNS record that changes in between (DNS rebinding) has no effect. The sender
follows no redirect and uses no proxy, since both would connect to an unchecked address.
"""

import queue
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from fusion_billing.errors import Refused
from fusion_billing.outbound.public_addresses import IPAddress, is_public
from fusion_billing.outbound.webhook_url import Target, parse_url, refusal

__all__ = ["PORTS", "Address", "AddressChanged", "Resolver", "SsrfGuard", "Target", "connect"]

PORTS = frozenset({443, 8443})

Resolver = Callable[..., Iterable[tuple[int, int, int, str, tuple[object, ...]]]]
"""A function with the signature of `socket.getaddrinfo`."""

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class AddressChanged(OSError):
    """The connection reached another address than the one that was checked."""


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address to connect to."""

    ip: IPAddress
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        """Return the address family of a socket for this address."""
        return socket.AF_INET if self.ip.version == 4 else socket.AF_INET6  # noqa: PLR2004  IPv4


class SsrfGuard:
    """Decide where webhooks may be sent.

    Args:
        ports: The ports that a URL may use.
        loopback: Also allow `http` and any port on `localhost`, 127.0.0.1 and ::1, and nothing else. For a
            service that runs on a developer's machine.
        loopback_at: The host name that stands for this machine's loopback, for a service in a container on it.
        resolver: Resolves host names; `socket.getaddrinfo` by default.
        lookup_seconds: How long resolving a name may take.
    """

    def __init__(
        self,
        *,
        ports: frozenset[int] = PORTS,
        loopback: bool = False,
        loopback_at: str | None = None,
        resolver: Resolver | None = None,
        lookup_seconds: float = 4.0,
    ) -> None:
        self._ports = ports
        self._loopback = loopback
        self._loopback_at = loopback_at
        self._resolver: Resolver = resolver or socket.getaddrinfo
        self._lookup_seconds = lookup_seconds

    def check(self, url: object, field: str = "url") -> Target:
        """Check a URL without resolving its host.

        Raises:
            Refused: With one fault at `field`: `invalid_url`, `unsupported_scheme`, `credentials_in_url`,
                `port_not_allowed`, `invalid_host` or `address_not_allowed`.
        """
        local = self._local_target(url, field)
        if local is not None:
            return local
        target = parse_url(url, field)
        if target.port not in self._ports:
            ports = " or ".join(map(str, sorted(self._ports)))
            raise refusal(field, "port_not_allowed", f"must use port {ports}")
        if target.address is not None and not is_public(target.address):
            raise refusal(field, "address_not_allowed", f"must be a public address, which {target.address} is not")
        if target.address is None and "." not in target.host:
            raise refusal(field, "invalid_host", "must have a full host name, such as hooks.example.com")
        return target

    def addresses(self, target: Target, field: str = "url") -> tuple[Address, ...]:
        """Resolve the host of a checked target, once, and return all its addresses.

        Raises:
            Refused: With one fault at `field`: `unresolvable_host` if the name was not resolved in time,
                `address_not_allowed` if any of its addresses is not public.
        """
        if self._loopback_at is not None and target.host in _LOOPBACK_HOSTS:
            return tuple(Address(ip, target.port) for ip in self._resolve(self._loopback_at, target.port, field))
        ips = [target.address] if target.address is not None else self._resolve(target.host, target.port, field)
        if not all(self._is_allowed(target, ip) for ip in ips):
            raise refusal(field, "address_not_allowed", "must resolve to public addresses only")
        return tuple(Address(ip, target.port) for ip in dict.fromkeys(ips))

    def _local_target(self, url: object, field: str) -> Target | None:
        if not self._loopback:
            return None
        try:
            target = parse_url(url, field, ("http", "https"))
        except Refused:
            return None  # named by the check that follows
        return target if target.host in _LOOPBACK_HOSTS else None

    def _is_allowed(self, target: Target, ip: IPAddress) -> bool:
        if self._loopback and target.host in _LOOPBACK_HOSTS:
            return ip.is_loopback and getattr(ip, "ipv4_mapped", None) is None
        return is_public(ip)

    def _resolve(self, host: str, port: int, field: str) -> list[IPAddress]:
        def lookup() -> list[IPAddress]:
            found = self._resolver(host, port, 0, socket.SOCK_STREAM, 0, 0)
            return [ip_address(str(sockaddr[0])) for _, _, _, _, sockaddr in found]

        try:
            ips = self._in_time(lookup)
        except (OSError, ValueError):
            ips = []
        if not ips:
            raise refusal(field, "unresolvable_host", "must have a host that resolves")
        return ips

    def _in_time(self, lookup: Callable[[], list[IPAddress]]) -> list[IPAddress]:
        """Run `lookup` with a time limit, which `getaddrinfo` does not have.

        A lookup that hangs is left to its thread until the limits of the system end it.
        """
        results: queue.SimpleQueue[list[IPAddress] | Exception] = queue.SimpleQueue()

        def run() -> None:
            try:
                results.put(lookup())
            except Exception as error:  # noqa: BLE001  handed to the waiting thread, which raises it
                results.put(error)

        threading.Thread(target=run, name="webhook-lookup", daemon=True).start()
        try:
            result = results.get(timeout=self._lookup_seconds)
        except queue.Empty:
            raise TimeoutError("DNS lookup timed out") from None
        if isinstance(result, Exception):
            raise result
        return result


def connect(address: Address, timeout: float) -> socket.socket:
    """Connect to a checked address, and to no other.

    Raises:
        AddressChanged: If the peer has another address, for example because of a transparent proxy.
        OSError: If the connection fails.
    """
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect((str(address.ip), address.port))
        _verify_peer(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _verify_peer(sock: socket.socket, address: Address) -> None:
    peer = ip_address(str(sock.getpeername()[0]))
    if peer != address.ip:
        raise AddressChanged(f"connected to {peer} instead of {address.ip}")
