"""One direction: handler -> use case -> pure domain, with adapters at the edge. Read off the syntax of every module."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "fusion_billing" / "fusion_billing"

# docs/architecture.md says which parts reach outside; whatever is not named here is pure.
ADAPTERS = {"composition", "dynamodb", "http", "messaging", "odoo", "oidc", "outbound", "settings", "snapshots"}

# Use cases: they take adapters by the ports of `application.ports`. Reading Odoo has no port of its own.
USE_CASES = "application"
ADAPTERS_OF_USE_CASES = {"odoo"}

# Commands that a person runs; nothing imports them.
COMMANDS = {
    "commands",
    "bootstrap",
    "repartition",
    "restore",
    "erase",
    "odoo.check.command",
    "odoo.check.__main__",
    "statements.verify",
}

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
PURE = sorted(
    name
    for name in PACKAGE_MODULES
    if name and name.split(".")[0] not in {*ADAPTERS, USE_CASES} and name not in COMMANDS
)


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
        if module.startswith("fusion_billing.") and module.split(".")[1] in {*ADAPTERS, USE_CASES}
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


@pytest.mark.parametrize("name", sorted(name for name in PACKAGE_MODULES if name.startswith(f"{USE_CASES}.")))
def test_use_cases_know_adapters_by_their_ports(name: str) -> None:
    reached = [
        module
        for module in imported(PACKAGE_MODULES[name])
        if module.split(".")[0] in {"boto3", "botocore", "mypy_boto3_dynamodb", "mypy_boto3_sqs"}
        or (module.startswith("fusion_billing.") and module.split(".")[1] in ADAPTERS - ADAPTERS_OF_USE_CASES)
    ]

    assert reached == []


def imports_of(names: set[str], tree: ast.Module) -> set[str]:
    """Return which of the package's modules a module imports when it runs."""
    reached = {module.removeprefix("fusion_billing.") for module in imported(tree, typing_too=False)}
    return reached & names


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components with more than one member (Tarjan)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in index:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in stack:
                lowest[node] = min(lowest[node], index[target])
        if lowest[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_no_modules_import_each_other_in_a_circle() -> None:
    # A package's `__init__` re-exports what lies in it, so it is no module of its own here.
    names = {name for name in PACKAGE_MODULES if not any(other.startswith(f"{name}.") for other in PACKAGE_MODULES)}
    graph = {name: imports_of(names, ast.parse(ast.unparse(PACKAGE_MODULES[name]))) - {name} for name in names}

    assert circles(graph) == []


def test_no_packages_import_each_other_in_a_circle() -> None:
    names = set(PACKAGE_MODULES)
    graph: dict[str, set[str]] = {name.split(".")[0]: set() for name in names if name}
    for name, tree in PACKAGE_MODULES.items():
        package = name.split(".")[0]
        reached = {module.split(".")[0] for module in imports_of(names, ast.parse(ast.unparse(tree))) if module}
        if package:
            graph[package] |= reached - {package}

    assert circles(graph) == []


def test_a_circle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "d"}}

    assert circles(graph) == [["b", "c"]]


# Whatever else talks to AWS by itself: the secrets of portal tokens and of Odoo, and the command that looks over one.
AWS_ERRORS_MAY_BE_CAUGHT_IN = {"dynamodb", "http", "messaging", "odoo", "outbound"}


@pytest.mark.parametrize("folder", ["layers/fusion_billing/fusion_billing", "functions"])
def test_errors_of_aws_are_caught_in_adapters_alone(folder: str) -> None:
    reached = [
        (name, module)
        for name, tree in modules(ROOT / folder)
        for module in imported(tree)
        if module.startswith(("botocore.exceptions", "boto3.exceptions"))
        and (folder == "functions" or name.split(".")[0] not in AWS_ERRORS_MAY_BE_CAUGHT_IN)
    ]

    assert reached == []


def errors_of_aws(tree: ast.Module) -> Iterator[str]:
    """Yield the errors of botocore that a module imports from the package under any name, or takes off a client."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fusion_billing"):
            source = importlib.import_module(node.module or "")
            for alias in node.names:
                value = getattr(source, alias.name, None)
                if isinstance(value, type) and issubclass(value, BotoCoreError | ClientError):
                    yield alias.name
        if isinstance(node, ast.Attribute) and node.attr == "exceptions":
            yield ast.unparse(node)


SERVICES = [
    *((f"functions.{name}", tree) for name, tree in modules(ROOT / "functions")),
    *((name, tree) for name, tree in PACKAGE_MODULES.items() if name.split(".")[0] == USE_CASES),
]


@pytest.mark.parametrize("tree", [pytest.param(tree, id=name) for name, tree in SERVICES])
def test_services_know_no_error_of_aws_by_another_name(tree: ast.Module) -> None:
    assert list(errors_of_aws(tree)) == []


def test_errors_of_aws_are_found_by_another_name() -> None:
    assert list(errors_of_aws(ast.parse("from fusion_billing.dynamodb.errors import ClientError"))) == ["ClientError"]
    assert list(errors_of_aws(ast.parse("client.exceptions.NotFound"))) == ["client.exceptions"]
