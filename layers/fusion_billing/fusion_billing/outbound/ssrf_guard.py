"""Where a webhook may go: checked when an endpoint is registered, and again at each send.

`ssrfguard` parses URLs, knows the special-purpose registries and resolves once. What it leaves open is
closed here:

- a prefix that carries an IPv4 address (mapped, NAT64, 6to4, Teredo, IPv4-compatible) is refused whatever it
  carries: where the packet comes out is not ours to know;
- blocks that are special but reachable (anycast services, AMT, AS112, ORCHID) are no place for a receiver;
- of IPv6, only 2000::/3, which is what is handed out; and no ISATAP interface in it;
- a name of one label, which a resolver completes by its search list;
- a look-up has a time limit.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv6Address, ip_network
from urllib.parse import SplitResult, urlsplit

from ssrfguard import (
    DEFAULT_DENIED,
    Address,
    AddressTable,
    Block,
    BlockedAddressError,
    BlockedURLError,
    Policy,
    Reach,
    SSRFGuardError,
    Target,
    resolve,
)

from fusion_billing.catalog.identifiers import MAX_URL
from fusion_billing.errors import Fault, Refused

PORTS = frozenset({443, 8443})

Resolver = Callable[..., Iterable[tuple[int, int, int, str, tuple[object, ...]]]]

_STRICT = AddressTable(
    tuple(replace(block, reach=Reach.DENIED) for block in DEFAULT_DENIED.blocks),
    snapshot=DEFAULT_DENIED.snapshot,
)
_NOTHING = AddressTable(
    tuple(Block(ip_network(all_), "Not loopback", "local", Reach.DENIED) for all_ in ("0.0.0.0/0", "::/0"))
)
_HANDED_OUT = ip_network("2000::/3")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class SsrfGuard:
    """Says where a webhook may go.

    `ports` are those a URL may name. `loopback` lets plain HTTP and any port through to `localhost`,
    127.0.0.1 and ::1, and to nothing else: for a service that runs on one's own machine. `resolver` has
    the shape of `socket.getaddrinfo`.
    """

    def __init__(
        self,
        *,
        ports: frozenset[int] = PORTS,
        loopback: bool = False,
        resolver: Resolver | None = None,
        lookup_seconds: float = 4.0,
    ) -> None:
        self._public = Policy(
            allowed_schemes=frozenset({"https"}),
            allowed_ports=ports,
            denied_networks=_STRICT,
            max_url_length=MAX_URL,
        )
        self._local = _local_policy() if loopback else None
        self._resolver = resolver
        self._lookup_seconds = lookup_seconds

    def check(self, url: object, field: str = "url") -> Target:
        """Return where `url` points, decided without the network.

        Raises `Refused` with one fault at `field`: `invalid_url`, `unsupported_scheme`, `credentials_in_url`,
        `port_not_allowed`, `invalid_host` or `address_not_allowed`, and why.
        """
        if not isinstance(url, str) or not url:
            raise _refuse(field, "invalid_url", "must be an https URL")
        if not url.isascii() and not _ascii_but_for_host(url):
            raise _refuse(field, "invalid_url", "must be percent-encoded behind its host")
        if self._local is not None:
            try:
                return self._local.check_url(url)
            except SSRFGuardError:
                pass
        try:
            target = self._public.check_url(url)
        except SSRFGuardError as error:
            raise self._refusal(url, error, field) from None
        if target.address is not None:
            self._check_address(target.address, field)
        elif "." not in target.host.rstrip("."):
            raise _refuse(field, "invalid_host", "must name its host in full, such as hooks.example.com")
        return target

    def addresses(self, target: Target, field: str = "url") -> tuple[Address, ...]:
        """Resolve a target once, and return its addresses, every one of them checked.

        Raises `Refused` with one fault at `field`: `unresolvable_host` where no answer came in time,
        `address_not_allowed` where any of the answers is not public.
        """
        policy = self._policy_of(target)
        try:
            found = self._in_time(lambda: resolve(target, policy=policy, resolver=self._resolver))
        except BlockedAddressError as error:
            message = f"must resolve to public addresses only: {error.reason}"
            raise _refuse(field, "address_not_allowed", message) from None
        except (OSError, ValueError, UnicodeError):
            raise _refuse(field, "unresolvable_host", "must name a host that resolves") from None
        if policy is not self._local:
            for address in found:
                self._check_address(address.ip, field)
        return found

    def policy_of(self, target: Target) -> Policy:
        """Return the policy that a connection to a checked target is held to."""
        return self._policy_of(target)

    def _policy_of(self, target: Target) -> Policy:
        if self._local is not None and target.host in _LOOPBACK_HOSTS:
            return self._local
        return self._public

    def _check_address(self, address: object, field: str) -> None:
        if not isinstance(address, IPv6Address):
            return
        if address not in _HANDED_OUT:
            raise _refuse(field, "address_not_allowed", f"must be a public address; {address} is not handed out")
        if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            raise _refuse(field, "address_not_allowed", "must be a public address, not an ISATAP one")

    def _refusal(self, url: str, error: SSRFGuardError, field: str) -> Refused:
        reason = error.reason if isinstance(error, BlockedURLError | BlockedAddressError) else "is refused"
        if isinstance(error.__cause__, BlockedAddressError):
            return _refuse(field, "address_not_allowed", f"must be a public address: {reason}")
        code, message = self._blame(url)
        return _refuse(field, code, message or f"is refused: {reason}")

    def _blame(self, url: str) -> tuple[str, str]:
        """Return which part of a URL that was refused is to blame, and what it should be."""
        if len(url) > MAX_URL or any(character <= " " or character == "\x7f" for character in url):
            return (
                "invalid_url",
                f"must be at most {MAX_URL} characters, without spaces or control characters",
            )
        try:
            split = urlsplit(url)
        except ValueError:
            return "invalid_url", "must be an https URL"
        if split.scheme.lower() != "https":
            return "unsupported_scheme", "must be https"
        if split.username is not None or split.password is not None:
            return "credentials_in_url", "must not carry credentials"
        if _port_of(split) not in self._public.allowed_ports:
            ports = " or ".join(map(str, sorted(self._public.allowed_ports)))
            return "port_not_allowed", f"must use port {ports}"
        return "invalid_host", ""

    def _in_time(self, lookup: Callable[[], tuple[Address, ...]]) -> tuple[Address, ...]:
        """Run a look-up for as long as it may take: `getaddrinfo` itself knows no time limit.

        One that hangs is left to its thread, which the system's own limits end.
        """
        answers: queue.SimpleQueue[tuple[Address, ...] | Exception] = queue.SimpleQueue()

        def look() -> None:
            try:
                answers.put(lookup())
            except Exception as error:  # noqa: BLE001  handed to the waiting thread, which raises it
                answers.put(error)

        threading.Thread(target=look, name="webhook-lookup", daemon=True).start()
        try:
            answer = answers.get(timeout=self._lookup_seconds)
        except queue.Empty:
            raise TimeoutError("the look-up took too long") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def _local_policy() -> Policy:
    return Policy(
        allowed_schemes=frozenset({"http", "https"}),
        allowed_ports=frozenset(range(1, 65536)),
        allowed_hosts=_LOOPBACK_HOSTS,
        denied_networks=_NOTHING,
        allowed_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
        max_url_length=MAX_URL,
    )


def _ascii_but_for_host(url: str) -> bool:
    try:
        split = urlsplit(url)
    except ValueError:
        return True
    return (split.path + split.query + split.fragment).isascii()


def _port_of(split: SplitResult) -> int:
    try:
        return 443 if split.port is None else split.port
    except ValueError:
        return -1


def _refuse(field: str, code: str, message: str) -> Refused:
    return Refused([Fault(field, code, message)])
