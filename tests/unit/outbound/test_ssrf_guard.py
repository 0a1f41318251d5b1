import socket
import threading
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.errors import Refused
from fusion_billing.outbound.public_addresses import IPAddress, is_public
from fusion_billing.outbound.ssrf_guard import Address, AddressChanged, SsrfGuard, connect
from tests.unit.outbound.hostile_urls import HOSTILE, RESOLVED

PUBLIC = "93.184.216.34"


class FakeResolver:
    """Return the next list of addresses at each lookup, and the last one from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *_: Any) -> Iterable[Any]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0))
            if ":" in one
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in answer
        ]


def code_of(guard: SsrfGuard, url: object) -> str:
    with pytest.raises(Refused) as caught:
        guard.addresses(guard.check(url))
    (fault,) = caught.value.faults
    assert fault.field == "url"
    assert fault.message
    return fault.code


@pytest.mark.parametrize(("url", "code"), HOSTILE.items(), ids=[repr(url)[:60] for url in HOSTILE])
def test_a_hostile_url_is_refused_with_its_code_before_any_lookup(url: str, code: str) -> None:
    resolver = FakeResolver([PUBLIC])
    assert code_of(SsrfGuard(resolver=resolver), url) == code
    assert resolver.asked == []


@pytest.mark.parametrize("url", [None, 7, ["https://example.com/"], {"url": "x"}])
def test_a_url_that_is_not_text_is_refused(url: object) -> None:
    assert code_of(SsrfGuard(), url) == "invalid_url"


def test_a_refusal_does_not_quote_credentials() -> None:
    with pytest.raises(Refused) as caught:
        SsrfGuard().check("https://user:secret@example.com/")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c",
        "https://hooks.example.com:8443/",
        "HTTPS://Hooks.Example.com.:443/",
        "https://bücher.example/",
        "https://[2606:4700:4700::1111]/",
        "https://8.8.8.8/",
    ],
)
def test_a_public_url_is_allowed(url: str) -> None:
    guard = SsrfGuard(resolver=FakeResolver([PUBLIC]))
    target = guard.check(url)
    if not target.address:
        assert [str(one.ip) for one in guard.addresses(target)] == [PUBLIC]


@pytest.mark.parametrize(("host", "addresses"), RESOLVED.items(), ids=list(RESOLVED))
def test_a_name_with_any_non_public_address_is_refused(host: str, addresses: list[str]) -> None:
    guard = SsrfGuard(resolver=FakeResolver(addresses))
    assert code_of(guard, f"https://{host}/") == "address_not_allowed"


def test_an_alias_of_an_internal_name_is_refused_by_its_address() -> None:
    def resolve(_host: str, port: int, *_: Any) -> Iterable[Any]:
        alias = "db.internal.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, alias, ("10.0.0.5", port))]

    assert code_of(SsrfGuard(resolver=resolve), "https://alias.example.com/") == "address_not_allowed"


def test_a_name_is_checked_anew_whenever_it_is_resolved() -> None:
    resolver = FakeResolver([PUBLIC], ["10.0.0.1"], [PUBLIC], ["fd00::1"])
    guard = SsrfGuard(resolver=resolver)
    target = guard.check("https://hooks.example.com/")
    for is_public_now in (True, False, True, False):
        if is_public_now:
            assert [str(address.ip) for address in guard.addresses(target)] == [PUBLIC]
        else:
            with pytest.raises(Refused):
                guard.addresses(target)
    assert len(resolver.asked) == 4


def test_an_address_that_is_none_counts_as_unresolvable() -> None:
    assert (
        code_of(SsrfGuard(resolver=FakeResolver(["not an address"])), "https://a.example.com/") == "unresolvable_host"
    )


def test_there_are_as_many_hostile_urls_as_there_were() -> None:
    assert len(HOSTILE) >= 220
    assert len(RESOLVED) >= 40


def test_a_name_that_does_not_resolve_is_refused() -> None:
    assert code_of(SsrfGuard(resolver=FakeResolver([])), "https://hooks.example.com/") == "unresolvable_host"


def test_a_lookup_that_hangs_counts_as_unresolvable() -> None:
    release = threading.Event()

    def hanging(*_: Any) -> Iterable[Any]:
        release.wait(30)
        return []

    try:
        guard = SsrfGuard(resolver=hanging, lookup_seconds=0.05)
        assert code_of(guard, "https://hooks.example.com/") == "unresolvable_host"
    finally:
        release.set()


def test_allowed_ports_are_configurable() -> None:
    guard = SsrfGuard(ports=frozenset({9443}))
    assert guard.check("https://hooks.example.com:9443/").port == 9443
    assert code_of(guard, "https://hooks.example.com/") == "port_not_allowed"


def test_the_loopback_setting_allows_loopback_and_nothing_else() -> None:
    guard = SsrfGuard(loopback=True, resolver=FakeResolver(["127.0.0.1"]))
    for url in ("http://localhost:9000/hook", "http://127.0.0.1:9000/", "https://[::1]:1/"):
        assert guard.check(url).host in {"localhost", "127.0.0.1", "::1"}
    assert [str(one.ip) for one in guard.addresses(guard.check("http://localhost:9000/"))] == ["127.0.0.1"]
    for url, code in {
        "http://example.com/": "unsupported_scheme",
        "https://example.com:9000/": "port_not_allowed",
        "http://10.0.0.1/": "unsupported_scheme",
        "https://10.0.0.1/": "address_not_allowed",
        "https://hooks.example.com/": "address_not_allowed",
        "https://127.0.0.2/": "address_not_allowed",
    }.items():
        assert code_of(guard, url) == code
    elsewhere = SsrfGuard(loopback=True, resolver=FakeResolver(["10.0.0.1"]))
    assert code_of(elsewhere, "http://localhost:9000/") == "address_not_allowed"


@pytest.mark.parametrize(
    ("url", "host", "path", "authority"),
    [
        ("https://Hooks.Example.com", "hooks.example.com", "/", "hooks.example.com"),
        ("https://hooks.example.com?a=b#c", "hooks.example.com", "/?a=b", "hooks.example.com"),
        (
            "https://hooks.example.com.:8443/a//b/../c?d=/e",
            "hooks.example.com",
            "/a//b/../c?d=/e",
            "hooks.example.com:8443",
        ),
        ("https://hooks.example.com:/a:b@c", "hooks.example.com", "/a:b@c", "hooks.example.com"),
        ("https://[2606:4700:4700:0::1111]/", "2606:4700:4700::1111", "/", "[2606:4700:4700::1111]"),
        ("https://bücher.example/", "xn--bcher-kva.example", "/", "xn--bcher-kva.example"),
        ("https://faß.example/", "xn--fa-hia.example", "/", "xn--fa-hia.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/", "xn--bcher-kva.example"),
    ],
)
def test_a_url_is_parsed_once_into_what_the_request_needs(url: str, host: str, path: str, authority: str) -> None:
    target = SsrfGuard().check(url)
    assert (target.host, target.path, target.authority) == (host, path, authority)


def test_an_address_in_the_url_is_not_resolved() -> None:
    resolver = FakeResolver(["127.0.0.1"])
    guard = SsrfGuard(resolver=resolver)
    assert [str(address.ip) for address in guard.addresses(guard.check("https://8.8.8.8/"))] == ["8.8.8.8"]
    assert resolver.asked == []


def test_an_address_is_returned_once_in_the_order_of_the_answer() -> None:
    guard = SsrfGuard(resolver=FakeResolver(["2606:4700::1111", PUBLIC, "2606:4700::1111"]))
    found = guard.addresses(guard.check("https://hooks.example.com/"))
    assert [str(address.ip) for address in found] == ["2606:4700::1111", PUBLIC]


@given(st.ip_addresses())
def test_no_address_is_public_that_the_standard_library_does_not_call_global(address: IPAddress) -> None:
    assert address.is_global or not is_public(address)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "::", "64:ff9b::", "64:ff9b:1::"]))
def test_no_ipv4_address_inside_an_ipv6_address_is_public(inner: IPv4Address, prefix: str) -> None:
    assert not is_public(IPv6Address(int(IPv6Address(prefix)) | int(inner)))


@given(st.ip_addresses(v=4), st.sampled_from([16, 32, 64, 80, 96]))
def test_6to4_and_teredo_are_not_public_whatever_they_carry(inner: IPv4Address, shift: int) -> None:
    for prefix in ("2002::", "2001::"):
        assert not is_public(IPv6Address(int(IPv6Address(prefix)) | (int(inner) << shift) & ((1 << 96) - 1)))


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_a_refusal(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/", f"https://hooks.example.com{text}"):
        try:
            target = SsrfGuard().check(url)
        except Refused:
            continue
        sent = f"{target.path}{target.authority}"
        assert sent.isascii()
        assert sent.isprintable()
        assert " " not in sent


def test_a_connection_that_reaches_another_address_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[socket.socket] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, _address: connected.append(self))
    monkeypatch.setattr(socket.socket, "getpeername", lambda _self: ("10.0.0.1", 443))
    with pytest.raises(AddressChanged):
        connect(Address(IPv4Address(PUBLIC), 443), 1.0)
    assert connected[0].fileno() == -1
