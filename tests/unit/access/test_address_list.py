"""Lists of allowed addresses: IPv4 and IPv6 blocks, and what is in them."""

import pytest

from fusion_billing.access.address_list import MAX_BLOCKS, parse


@pytest.mark.parametrize(
    ("text", "address", "allowed"),
    [
        ("198.51.100.0/24", "198.51.100.255", True),
        ("198.51.100.0/24", "198.51.101.0", False),
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("198.51.100.7/24", "198.51.100.200", True),
        ("10.0.0.0/8,2001:db8::/32", "2001:db8:ffff::1", True),
        ("10.0.0.0/8, 2001:db8::/32", "2001:db9::1", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "::10.1.2.3", False),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "192.0.2.1", False),
        ("::/0", "fe80::1%eth0", False),
        ("::/0", "2001:db8::1", True),
    ],
)
def test_an_address_is_in_its_block_only(text: str, address: str, *, allowed: bool) -> None:
    assert parse(text).allows(address) is allowed


@pytest.mark.parametrize("address", ["", "unknown", "10.0.0", "10.0.0.1, 10.0.0.2", "10.0.0.1:443", "010.0.0.1"])
def test_what_is_no_address_is_not_allowed(address: str) -> None:
    assert not parse("0.0.0.0/0,::/0").allows(address)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0", "2001:db8/32", "office", "::ffff:10.0.0.0/104"])
def test_a_malformed_block_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(f"192.0.2.0/24,{text}")


def test_a_list_is_bounded() -> None:
    blocks = [f"10.{number}.0.0/16" for number in range(MAX_BLOCKS)]
    assert parse(",".join(blocks)).allows("10.199.1.1")
    with pytest.raises(ValueError, match="200"):
        parse(",".join([*blocks, "192.0.2.1"]))
