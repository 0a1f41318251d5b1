import socket
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from fusion_billing.errors import Refused
from fusion_billing.outbound.ssrf_guard import SsrfGuard

PUBLIC = "93.184.216.34"


class FakeResolver:
    """Answers each look-up with the next list of addresses, the last one for ever."""

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
    # what is no URL, or no https one
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
    # credentials, and what reads like them
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
    # names that are no public host
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
}


@pytest.mark.parametrize(("url", "code"), HOSTILE.items(), ids=[repr(url)[:60] for url in HOSTILE])
def test_a_hostile_url_is_refused_by_name_before_anything_is_looked_up(url: str, code: str) -> None:
    resolver = FakeResolver([PUBLIC])
    assert code_of(SsrfGuard(resolver=resolver), url) == code
    assert resolver.asked == []


@pytest.mark.parametrize("url", [None, 7, ["https://example.com/"], {"url": "x"}])
def test_what_is_no_text_is_refused(url: object) -> None:
    assert code_of(SsrfGuard(), url) == "invalid_url"


def test_a_refusal_does_not_quote_the_credentials() -> None:
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
def test_a_public_url_is_let_through(url: str) -> None:
    guard = SsrfGuard(resolver=FakeResolver([PUBLIC]))
    target = guard.check(url)
    if not target.is_literal_address:
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
    ],
)
def test_a_name_that_resolves_to_any_address_inside_is_refused(answers: list[str]) -> None:
    guard = SsrfGuard(resolver=FakeResolver(answers))
    assert code_of(guard, "https://hooks.example.com/") == "address_not_allowed"


def test_a_name_that_does_not_resolve_is_refused() -> None:
    assert code_of(SsrfGuard(resolver=FakeResolver([])), "https://hooks.example.com/") == "unresolvable_host"


def test_a_look_up_that_hangs_is_a_name_that_does_not_resolve() -> None:
    release = threading.Event()

    def hanging(*_: Any) -> Iterable[Any]:
        release.wait(30)
        return []

    try:
        guard = SsrfGuard(resolver=hanging, lookup_seconds=0.05)
        assert code_of(guard, "https://hooks.example.com/") == "unresolvable_host"
    finally:
        release.set()


def test_other_ports_are_a_setting() -> None:
    guard = SsrfGuard(ports=frozenset({9443}))
    assert guard.check("https://hooks.example.com:9443/").port == 9443
    assert code_of(guard, "https://hooks.example.com/") == "port_not_allowed"


def test_loopback_is_a_setting_and_lets_nothing_else_through() -> None:
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
