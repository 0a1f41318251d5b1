"""A second start leaves what somebody changed, names it, and puts back what was deleted."""

from datetime import date
from typing import Any

from local.demo import catalog
from local.demo.flow import put_catalog

TODAY = date(2026, 11, 26)


class FakeService:
    """The definitions of a service by path; it writes decimals without trailing zeros."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}
        self.puts: list[str] = []

    def find(self, path: str) -> Any:
        return self.stored.get(path)

    def call(self, method: str, path: str, body: Any) -> None:
        assert method == "PUT"
        self.puts.append(path)
        self.stored[path] = _shortened({**body, "version": 1})


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value.rstrip("0") if isinstance(value, str) and value.startswith("0.") else value


def started() -> FakeService:
    service = FakeService()
    assert put_catalog(service, TODAY) == []  # type: ignore[arg-type]
    service.puts.clear()
    return service


def test_a_second_start_puts_nothing() -> None:
    service = started()

    assert (put_catalog(service, TODAY), service.puts) == ([], [])  # type: ignore[arg-type]


def test_what_was_changed_is_named_and_left() -> None:
    service = started()
    service.stored["/v1/charges/storage"]["model"]["unit_amount"] = "0.3"
    service.stored[f"/v1/subscriptions/{catalog.MONTHLY}"]["customer_name"] = "Changed Inc."

    assert put_catalog(service, TODAY) == ["charges storage", f"subscriptions {catalog.MONTHLY}"]  # type: ignore[arg-type]
    assert service.puts == []


def test_what_was_deleted_is_put_again() -> None:
    service = started()
    del service.stored["/v1/charges/storage"]

    assert put_catalog(service, TODAY) == []  # type: ignore[arg-type]
    assert service.puts == ["/v1/charges/storage"]
