"""A container that starts from a snapshot has random numbers of its own, and neither connections nor cached values."""

import importlib
import random
import sys
import types
from collections.abc import Callable, Iterator

import pytest
from botocore.client import BaseClient

from fusion_billing.snapshots import reseed_after_restore


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Return what is registered with the runtime to be called after a restore."""
    hooks: list[Callable[[], object]] = []
    runtime = types.ModuleType("snapshot_restore_py")
    runtime.register_after_restore = hooks.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", runtime)
    return hooks


def test_containers_from_one_snapshot_have_different_random_numbers(
    registered: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    reseed_after_restore()
    [restored] = registered
    snapshot = random.getstate()

    numbers = set()
    for _ in range(3):
        random.setstate(snapshot)
        restored()
        numbers.add(random.random())

    assert len(numbers) == 3


@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", None])
def test_without_snapshots_the_runtime_is_not_asked(
    registered: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch, kind: str | None
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    if kind:
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)

    reseed_after_restore()

    assert registered == []


@pytest.fixture
def anew() -> Iterator[None]:
    """Import the functions anew, and as they were afterwards."""
    before = {name: module for name, module in sys.modules.items() if name.startswith("functions.")}
    for name in before:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.startswith("functions.")]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize("function", ["ingest", "admin"])
def test_a_function_calls_nothing_while_it_is_initialized(
    function: str, registered: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def noted(_: BaseClient, operation: str, __: object) -> object:
        calls.append(operation)
        raise AssertionError(operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    for table in ("USAGE", "WINDOW_USAGE", "CATALOG", "MARKERS", "RATINGS", "WEBHOOKS", "STATE", "AUDIT"):
        monkeypatch.setenv(f"{table}_TABLE", table.lower())
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")

    importlib.import_module(f"functions.{function}.handler")

    assert calls == []
    assert len(registered) == 1
