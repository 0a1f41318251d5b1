"""Parse the URL of a webhook once, strictly; everything after that works with the parsed `Target`.

URL parsers disagree about backslashes, credentials, control characters and unusual forms of IPv4 addresses, and
attackers use the difference. So no other parser sees the URL, and a URL with two readings is refused.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from fusion_billing.catalog.identifiers import MAX_URL
from fusion_billing.errors import Fault, Refused
from fusion_billing.outbound.public_addresses import IPAddress

DEFAULT_PORTS = {"https": 443, "http": 80}

_MAX_HOST_LENGTH = 253
_MAX_PORT = 65_535
_MAX_PORT_DIGITS = 5
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"//([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::(.*))?", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a checked URL points.

    Attributes:
        scheme: `https`, or `http` on the local machine.
        host: The host in lower case and ASCII, without a trailing dot; an IPv6 address without brackets.
        port: The port, explicit or the default one of the scheme.
        path: The path and the query, as the request line has them.
        address: The address, if the host is one.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: IPAddress | None = None

    @property
    def authority(self) -> str:
        """Return the value of the `Host` header."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def refusal(field: str, code: str, message: str) -> Refused:
    """Return `Refused` with one fault at `field`."""
    return Refused([Fault(field, code, message)])


def parse_url(url: object, field: str, schemes: Collection[str] = ("https",)) -> Target:
    """Parse a URL without looking anything up.

    Raises:
        Refused: With one fault at `field`: `invalid_url`, `unsupported_scheme`, `credentials_in_url`,
            `port_not_allowed` (only if it is no port number at all) or `invalid_host`.
    """
    if not isinstance(url, str) or not url:
        raise refusal(field, "invalid_url", "must be an https URL")
    if len(url) > MAX_URL or _FORBIDDEN.search(url):
        message = f"must be at most {MAX_URL} characters, without spaces or control characters"
        raise refusal(field, "invalid_url", message)
    scheme, rest = _scheme(url, field, schemes)
    split = _AUTHORITY.fullmatch(rest)
    if split is None or not split[1]:
        raise refusal(field, "invalid_host", "must name a host after https://")
    authority, path, query = split[1], split[2] or "/", split[3] or ""
    if "@" in authority:
        raise refusal(field, "credentials_in_url", "must not contain credentials")
    if "\\" in url:
        raise refusal(field, "invalid_url", "must not contain a backslash")
    if not (path + query + (split[4] or "")).isascii():
        raise refusal(field, "invalid_url", "path and query must be percent-encoded")
    written_host, written_port, is_bracketed = _host_and_port(authority, field)
    port = _port(written_port, DEFAULT_PORTS[scheme], field)
    host, address = _ipv6(written_host, field) if is_bracketed else _name_or_ipv4(written_host, field)
    return Target(scheme, host, port, path + query, address)


def _scheme(url: str, field: str, schemes: Collection[str]) -> tuple[str, str]:
    found = _SCHEME.fullmatch(url)
    if found is None or found[1].lower() not in schemes:
        raise refusal(field, "unsupported_scheme", "must use https")
    return found[1].lower(), found[2]


def _host_and_port(authority: str, field: str) -> tuple[str, str | None, bool]:
    """Return the host and the port as written, and whether the host is in brackets."""
    if "[" in authority or "]" in authority:
        bracketed = _BRACKETED.fullmatch(authority)
        if bracketed is None:
            raise refusal(field, "invalid_url", "must be an https URL")
        return bracketed[1], bracketed[2], True
    host, colon, port = authority.partition(":")
    return host, port if colon else None, False


def _port(written: str | None, default: int, field: str) -> int:
    if not written:
        return default
    if written.isascii() and written.isdigit() and len(written) <= _MAX_PORT_DIGITS and 0 < int(written) <= _MAX_PORT:
        return int(written)
    raise refusal(field, "port_not_allowed", "must use a port from 1 to 65535")


def _ipv6(written: str, field: str) -> tuple[str, IPAddress]:
    try:
        address = IPv6Address(written)
    except AddressValueError:
        raise refusal(field, "invalid_host", "must have a valid IPv6 address in the brackets") from None
    if address.scope_id is not None:
        raise refusal(field, "invalid_host", "must not have a zone ID in its address")
    return str(address), address


def _name_or_ipv4(written: str, field: str) -> tuple[str, IPAddress | None]:
    """Return the host in ASCII, and the address if it is one.

    A host whose last label is a number is an IPv4 address to some parser (`127.1`, `0x7f.1`, `2130706433`), so
    only the usual form with four decimal numbers passes.
    """
    name = _ascii(written, field).lower()
    host = name.removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > _MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise refusal(field, "invalid_host", "must have a valid host name")
    if not _NUMBER.fullmatch(labels[-1]):
        return host, None
    try:
        return name, IPv4Address(name)
    except AddressValueError:
        raise refusal(field, "invalid_host", "must have an IPv4 address as four decimal numbers") from None


def _ascii(written: str, field: str) -> str:
    if written.isascii():
        return written
    if len(written) > _MAX_HOST_LENGTH:
        raise refusal(field, "invalid_host", "must have a valid host name")
    import idna  # noqa: PLC0415  large tables, for the few hosts that are not ASCII

    try:
        return idna.encode(written, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise refusal(field, "invalid_host", "must have a valid host name") from None
