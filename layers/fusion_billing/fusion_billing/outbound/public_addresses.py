"""Decide whether an IP address is a public host that webhooks may be sent to.

The rule is stricter than `ipaddress.is_global`, which returns whether a block is routed:

- IPv4: no block of the IANA special-purpose registry, no multicast, no reserved block. That includes blocks
  that are routed but hold no ordinary hosts (AS112, AMT, 6to4 relays). Nor Azure's platform address.
- IPv6: only 2000::/3, the range that is assigned to hosts. That rules out IPv4-mapped and IPv4-compatible
  addresses, NAT64, unique local, link-local, site-local and multicast addresses.
- Within 2000::/3, no prefix that embeds an IPv4 address (Teredo, 6to4, ISATAP), even a public one: the
  packet leaves the tunnel where this service can't see it.

Both registries: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry.
"""

from ipaddress import IPv4Address, IPv6Address, ip_network

IPAddress = IPv4Address | IPv6Address

_SPECIAL_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers (and metadata services of some clouds)
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform: a public address, and another machine inside each of its networks
        "169.254.0.0/16",  # link-local, with the metadata services of AWS
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relay anycast
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with the broadcast address
    )
)
_ASSIGNED_V6 = ip_network("2000::/3")
_SPECIAL_V6 = tuple(
    ip_network(block)
    for block in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, drones
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def is_public(address: IPAddress) -> bool:
    """Return whether `address` is a public host; an IPv6 address with a zone ID is not."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in block for block in _SPECIAL_V4)
    if address.scope_id is not None or address not in _ASSIGNED_V6:
        return False
    embeds_ipv4 = (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
    return address.is_global and not embeds_ipv4 and not any(address in block for block in _SPECIAL_V6)
