from pathlib import Path

import pytest

from fusion_billing.errors import Refused
from fusion_billing.outbound.configuration import LOOPBACK, guard
from fusion_billing.settings import Missing

TEMPLATE = Path(__file__).parents[3] / "template.yaml"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LOOPBACK, raising=False)
    monkeypatch.delenv("WEBHOOK_PORTS", raising=False)


@pytest.mark.parametrize("value", [None, "", "0"])
def test_loopback_is_refused_unless_it_is_set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv(LOOPBACK, value)
    with pytest.raises(Refused):
        guard().check("http://127.0.0.1:9000/")


def test_the_local_cloud_allows_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOOPBACK, "1")
    assert guard().check("http://127.0.0.1:9000/").port == 9000


def test_a_container_reaches_this_machines_loopback_under_the_name_that_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LOOPBACK, "127.0.0.3")
    local = guard()

    [address] = local.addresses(local.check("http://127.0.0.1:9000/"))

    assert (str(address.ip), address.port) == ("127.0.0.3", 9000)
    with pytest.raises(Refused):
        local.check("http://127.0.0.3:9000/")


def test_no_deployment_can_allow_loopback_by_accident() -> None:
    assert LOOPBACK not in TEMPLATE.read_text()


def test_ports_are_as_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_PORTS", "443,9443")
    assert guard().check("https://hooks.example.com:9443/").port == 9443
    monkeypatch.setenv("WEBHOOK_PORTS", "all")
    with pytest.raises(Missing):
        guard()
