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


HOSTILE = {
    # not a URL, or not an https URL
    "": "invalid_url",
    "example.com/hook": "unsupported_scheme",
    "//example.com/hook": "unsupported_scheme",
    "http://example.com/": "unsupported_scheme",
    "ftp://example.com/": "unsupported_scheme",
    "file:///etc/passwd": "unsupported_scheme",
    "gopher://127.0.0.1:6379/_INFO": "unsupported_scheme",
    "javascript:alert(1)": "unsupported_scheme",
    "https://": "invalid_host",
    "https:///path": "invalid_host",
    "https://exa mple.com/": "invalid_url",
    "https://example.com/\r\nX-Evil: 1": "invalid_url",
    "https://example.com/\tb": "invalid_url",
    "https://exam\nple.com/": "invalid_url",
    "https://[::1": "invalid_url",
    "https://example.com/" + "a" * 3000: "invalid_url",
    "https://example.com/é": "invalid_url",
    # credentials, and hosts that look like credentials
    "https://user:secret@example.com/": "credentials_in_url",
    "https://user@example.com/": "credentials_in_url",
    "https://example.com@127.0.0.1/": "credentials_in_url",
    "https://example.com\\@127.0.0.1/": "credentials_in_url",
    # ports
    "https://example.com:22/": "port_not_allowed",
    "https://example.com:80/": "port_not_allowed",
    "https://example.com:6379/": "port_not_allowed",
    "https://example.com:0/": "port_not_allowed",
    "https://example.com:99999/": "port_not_allowed",
    "https://example.com:x/": "port_not_allowed",
    # names that are not public hosts
    "https://localhost/": "invalid_host",
    "https://metadata/": "invalid_host",
    "https://LOCALHOST./": "invalid_host",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/": "invalid_host",
    "https://exam_ple..com/": "invalid_host",
    "https://127.0.0.1%2f.example.com/": "invalid_host",
    "https://[fe80::1%25eth0]/": "invalid_host",
    # IPv4, plain and encoded
    "https://127.0.0.1/": "address_not_allowed",
    "https://127.1/": "invalid_host",
    "https://2130706433/": "invalid_host",
    "https://0177.0.0.1/": "invalid_host",
    "https://0x7f000001/": "invalid_host",
    "https://①②⑦.0.0.1/": "address_not_allowed",
    "https://0.0.0.0/": "address_not_allowed",
    "https://10.0.0.1/": "address_not_allowed",
    "https://172.16.0.1/": "address_not_allowed",
    "https://192.168.1.1/": "address_not_allowed",
    "https://100.64.0.1/": "address_not_allowed",
    "https://169.254.169.254/latest/meta-data/": "address_not_allowed",
    "https://169.254.170.2/v2/credentials": "address_not_allowed",
    "https://192.0.0.9/": "address_not_allowed",
    "https://192.0.2.1/": "address_not_allowed",
    "https://192.88.99.1/": "address_not_allowed",
    "https://198.18.0.1/": "address_not_allowed",
    "https://203.0.113.7/": "address_not_allowed",
    "https://224.0.0.1/": "address_not_allowed",
    "https://240.0.0.1/": "address_not_allowed",
    "https://255.255.255.255/": "address_not_allowed",
    # IPv6, and IPv4 inside it
    "https://[::]/": "address_not_allowed",
    "https://[::1]/": "address_not_allowed",
    "https://[::ffff:127.0.0.1]/": "address_not_allowed",
    "https://[::ffff:8.8.8.8]/": "address_not_allowed",
    "https://[::ffff:0:127.0.0.1]/": "address_not_allowed",
    "https://[::127.0.0.1]/": "address_not_allowed",
    "https://[::a9fe:a9fe]/": "address_not_allowed",
    "https://[64:ff9b::127.0.0.1]/": "address_not_allowed",
    "https://[64:ff9b::8.8.8.8]/": "address_not_allowed",
    "https://[64:ff9b:1::a9fe:a9fe]/": "address_not_allowed",
    "https://[2002:7f00:1::]/": "address_not_allowed",
    "https://[2002:808:808::]/": "address_not_allowed",
    "https://[2001:0:7f00:1::]/": "address_not_allowed",
    "https://[2001:db8::1]/": "address_not_allowed",
    "https://[3fff::1]/": "address_not_allowed",
    "https://[fc00::1]/": "address_not_allowed",
    "https://[fd00:ec2::254]/": "address_not_allowed",
    "https://[fe80::1]/": "address_not_allowed",
    "https://[fec0::1]/": "address_not_allowed",
    "https://[ff02::1]/": "address_not_allowed",
    "https://[5f00::1]/": "address_not_allowed",
    "https://[4000::1]/": "address_not_allowed",
    "https://[100::1]/": "address_not_allowed",
    "https://[2001:4860:4860::5efe:10.0.0.1]/": "address_not_allowed",
    # a second reading by another parser: backslashes, schemes without slashes, brackets, separators
    "https:example.com/": "invalid_host",
    "https:\\\\example.com/": "invalid_host",
    "https:/\\example.com/": "invalid_host",
    "https://example.com\\.evil.example/": "invalid_url",
    "https://hooks.example.com/\\@127.0.0.1": "invalid_url",
    "https://127.0.0.1\\@hooks.example.com/": "credentials_in_url",
    "https://hooks.example.com#@127.0.0.1:22\\/": "invalid_url",
    "https://:secret@example.com/": "credentials_in_url",
    "https://@example.com/": "credentials_in_url",
    "https://%75ser@example.com/": "credentials_in_url",
    "https://[127.0.0.1]/": "invalid_host",
    "https://[hooks.example.com]/": "invalid_host",
    "https://[::1]hooks.example.com/": "invalid_url",
    "https://hooks.example.com[::1]/": "invalid_url",
    "https://[[::1]]/": "invalid_url",
    "https://::1/": "port_not_allowed",
    "https://fe80::1/": "port_not_allowed",
    "https://[fe80::1%eth0]/": "invalid_host",
    "https://[::1%251]/": "invalid_host",
    "https://[]/": "invalid_host",
    "https://hooks.example.com:443:22/": "port_not_allowed",
    "https://hooks.example.com:+443/": "port_not_allowed",
    "https://hooks.example.com:\uff14\uff14\uff13/": "port_not_allowed",
    "https://hooks.example.com:00000443/": "port_not_allowed",
    "https://hooks.example.com\u200b/ a": "invalid_url",
    "https://hooks.example.com\x00.evil.example/": "invalid_url",
    "https://hooks.example.com\x85/": "invalid_url",
    "https://hooks.example.com\u2028/": "invalid_url",
    "\ufeffhttps://hooks.example.com/": "invalid_url",
    "https://hooks.example.com/#é": "invalid_url",
    # more forms of IPv4 addresses: short, octal, hexadecimal, with a trailing dot, with other dots and digits
    "https://127.0.1/": "invalid_host",
    "https://0/": "invalid_host",
    "https://0x7f.0.0.1/": "invalid_host",
    "https://0x7f.1/": "invalid_host",
    "https://127.0.0.0x1/": "invalid_host",
    "https://127.0.0.01/": "invalid_host",
    "https://017700000001/": "invalid_host",
    "https://1.2.3.4.5/": "invalid_host",
    "https://256.256.256.256/": "invalid_host",
    "https://8.8.8.8./": "invalid_host",
    "https://127.0.0.1./": "invalid_host",
    "https://hooks.example.1/": "invalid_host",
    "https://hooks.example.0x/": "invalid_host",
    "https://127。0。0。1/": "address_not_allowed",
    "https://169\uff0e254\uff0e169\uff0e254/": "address_not_allowed",
    "https://127\uff610\uff610\uff611/": "address_not_allowed",
    "https://\uff11\uff16\uff19.254.169.254/": "address_not_allowed",
    "https://٣.example.com/": "invalid_host",
    "https://hooks.example.com../": "invalid_host",
    "https://.example.com/": "invalid_host",
    "https://hooks..example.com/": "invalid_host",
    "https://-hooks.example.com/": "invalid_host",
    "https://hooks-.example.com/": "invalid_host",
    "https://hooks\uff20evil.example/": "invalid_host",
    "https://hooks\uff0fevil.example/": "invalid_host",
    "https://hooks.example.com;a/": "invalid_host",
    "https://" + "a" * 64 + ".example.com/": "invalid_host",
    "https://" + "a." * 127 + "example.com/": "invalid_host",
    "https://" + "é." * 200 + "example.com/": "invalid_host",
    # edges of special blocks
    "https://0.255.255.255/": "address_not_allowed",
    "https://100.127.255.255/": "address_not_allowed",
    "https://100.100.100.200/": "address_not_allowed",
    "https://127.255.255.254/": "address_not_allowed",
    "https://172.31.255.255/": "address_not_allowed",
    "https://192.0.0.192/": "address_not_allowed",
    "https://192.31.196.1/": "address_not_allowed",
    "https://192.52.193.1/": "address_not_allowed",
    "https://192.175.48.1/": "address_not_allowed",
    "https://198.19.255.255/": "address_not_allowed",
    "https://198.51.100.1/": "address_not_allowed",
    "https://239.255.255.255/": "address_not_allowed",
    "https://[0:0:0:0:0:ffff:7f00:1]/": "address_not_allowed",
    "https://[::ffff:169.254.169.254]/": "address_not_allowed",
    "https://[2001:1::1]/": "address_not_allowed",
    "https://[2001:2::1]/": "address_not_allowed",
    "https://[2001:3::1]/": "address_not_allowed",
    "https://[2001:4:112::1]/": "address_not_allowed",
    "https://[2001:10::1]/": "address_not_allowed",
    "https://[2001:20::1]/": "address_not_allowed",
    "https://[2001:1ff:ffff::1]/": "address_not_allowed",
    "https://[2002:a9fe:a9fe::1]/": "address_not_allowed",
    "https://[2620:4f:8000::1]/": "address_not_allowed",
    "https://[2606:4700::200:5efe:808:808]/": "address_not_allowed",
    "https://[1fff::1]/": "address_not_allowed",
    "https://[febf::1]/": "address_not_allowed",
}


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


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["::ffff:8.8.8.8"],
        ["64:ff9b::a00:1"],
        ["fec0::1"],
        ["4000::1"],
        [PUBLIC, "10.0.0.1"],
        ["2606:4700::1111", "fd00::1"],
        ["2606:4700::1111", "2001:4860::5efe:a00:1"],
        ["fe80::1%eth0"],
        ["2606:4700::1111%1"],
        ["2002:808:808::1"],
        [PUBLIC, "100.100.100.200"],
    ],
)
def test_a_name_with_any_non_public_address_is_refused(answers: list[str]) -> None:
    guard = SsrfGuard(resolver=FakeResolver(answers))
    assert code_of(guard, "https://hooks.example.com/") == "address_not_allowed"


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
