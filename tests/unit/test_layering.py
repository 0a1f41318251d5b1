"""One direction: handler, use case, pure domain, adapters. Read off the imports, module by module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "fusion_billing" / "fusion_billing"

# docs/architecture.md says which parts reach outside; whatever is not named here is pure.
ADAPTERS = {"application", "dynamodb", "http", "messaging", "odoo", "outbound", "settings"}

# Commands that a person runs; nothing imports them.
COMMANDS = {"bootstrap", "repartition", "odoo.check.command", "odoo.check.__main__", "statements.verify"}

OUTSIDE = {
    "aws_lambda_powertools", "boto3", "botocore", "http", "httpx", "mypy_boto3_dynamodb", "os", "requests",
    "socket", "ssl", "subprocess", "threading", "urllib3",
}  # fmt: skip
OUTSIDE_MODULES = {"urllib.request"}

# What tells the time, by the name it is called under.
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
    "time.monotonic", "time.perf_counter",
}  # fmt: skip


def modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield each module's dotted name under `folder`, and its tree."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, ast.parse(path.read_text(), str(path))


def imported(tree: ast.Module, *, typing_too: bool = True) -> Iterator[str]:
    """Yield the absolute names that a module imports, those for the type checker alone only on request."""
    for node in ast.walk(tree):
        if not typing_too and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module calls, as written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func)


PACKAGE_MODULES = dict(modules(PACKAGE))
PURE = sorted(name for name in PACKAGE_MODULES if name and name.split(".")[0] not in ADAPTERS and name not in COMMANDS)


@pytest.mark.parametrize("name", PURE)
def test_the_domain_imports_nothing_from_outside(name: str) -> None:
    reached = [
        module
        for module in imported(PACKAGE_MODULES[name])
        if module.split(".")[0] in OUTSIDE or module in OUTSIDE_MODULES
    ]

    assert reached == []


@pytest.mark.parametrize("name", PURE)
def test_the_domain_imports_no_adapter(name: str) -> None:
    reached = [
        module
        for module in imported(PACKAGE_MODULES[name])
        if module.startswith("fusion_billing.") and module.split(".")[1] in ADAPTERS
    ]

    assert reached == []


@pytest.mark.parametrize("name", PURE)
def test_the_domain_never_looks_at_the_clock(name: str) -> None:
    assert [call for call in calls(PACKAGE_MODULES[name]) if call in CLOCKS] == []


@pytest.mark.parametrize("name", sorted(name for name in PACKAGE_MODULES if name.startswith("dynamodb.")))
def test_dynamodb_adapters_take_the_time_as_an_argument(name: str) -> None:
    assert [call for call in calls(PACKAGE_MODULES[name]) if call in CLOCKS] == []


def test_only_settings_reads_the_environment() -> None:
    readers = [
        name
        for name, tree in PACKAGE_MODULES.items()
        if name != "settings"
        and name not in COMMANDS
        and {"os", "os.environ", "os.getenv"} & set(imported(tree))
        and any(word in ast.unparse(tree) for word in ("os.environ", "getenv", "environ["))
    ]

    assert readers == []


def test_the_package_knows_neither_functions_nor_local() -> None:
    reached = [
        (name, module)
        for name, tree in PACKAGE_MODULES.items()
        for module in imported(tree)
        if module.split(".")[0] in {"functions", "local", "tests"}
    ]

    assert reached == []


def test_functions_never_import_what_is_for_local_running() -> None:
    reached = [
        (name, module)
        for name, tree in modules(ROOT / "functions")
        for module in imported(tree)
        if module.split(".")[0] in {"local", "tests"}
    ]

    assert reached == []


def test_functions_do_not_import_one_another() -> None:
    reached = [
        (name, module)
        for name, tree in modules(ROOT / "functions")
        for module in imported(tree)
        if module.startswith("functions.") and module.split(".")[1] != name.split(".")[0]
    ]

    assert reached == []


def test_nothing_plays_with_the_import_path() -> None:
    players = [
        (folder, name)
        for folder in ("layers/fusion_billing/fusion_billing", "functions", "local")
        for name, tree in modules(ROOT / folder)
        if "sys.path" in ast.unparse(tree)
    ]

    assert players == []


def test_there_are_domain_modules_to_look_at() -> None:
    assert {"decimals", "strict_json", "webhooks.signing"} <= set(PURE)
    assert "dynamodb.client" not in PURE
