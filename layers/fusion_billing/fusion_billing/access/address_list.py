"""Define lists of IP addresses that requests may come from: CIDR blocks, separated by commas. Pure."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

MAX_BLOCKS = 200


class AddressList:
    """The addresses in any of a list of blocks."""

    def __init__(self, blocks: Iterable[str]) -> None:
        """Parse blocks such as `198.51.100.0/24`, `203.0.113.7` and `2001:db8::/32`.

        Bits outside the prefix don't count: `198.51.100.7/24` is `198.51.100.0/24`, as in security groups of AWS.
        Raises `ValueError` for a block that is none, and for more than 200 blocks.
        """
        self._blocks = tuple(_block(text) for text in blocks)
        if len(self._blocks) > MAX_BLOCKS:
            raise ValueError(f"more than {MAX_BLOCKS} blocks")

    def allows(self, address: str) -> bool:
        """Return whether an address is in the list; False for text that is not an IP address.

        An IPv4 address that is written as an IPv6 address (`::ffff:198.51.100.7`) is judged as the IPv4 address.
        """
        try:
            found: IPv4Address | IPv6Address | None = ip_address(address)
        except ValueError:
            return False
        if isinstance(found, IPv6Address):
            found = None if found.scope_id else found.ipv4_mapped or found
        return found is not None and any(found in block for block in self._blocks)


def parse(text: str) -> AddressList:
    """Return the list in a text; raises `ValueError`."""
    return AddressList(text.replace(",", " ").split())


def _block(text: str) -> IPv4Network | IPv6Network:
    block = ip_network(text, strict=False)
    if isinstance(block, IPv6Network) and block.network_address.ipv4_mapped:
        raise ValueError(f"{text!r} must be written as an IPv4 block")
    return block
