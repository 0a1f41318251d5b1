"""The registry of error codes holds exactly the codes that the source uses."""

import ast
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from fusion_billing.error_codes import ERROR_CODES
from fusion_billing.errors import Conflict, Fault, FusionError, NotFound, Refused, Unavailable
from fusion_billing.http.problem import status_of

ROOT = Path(__file__).parents[3]
SOURCES = sorted(
    path
    for folder in ("layers/fusion_billing/fusion_billing", "functions")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "error_codes.py"
)
CODE_ARGUMENT = {"Fault": 1, "PydanticCustomError": 0, "_refuse": 1, "_refused": 1}
"""Callable -> the position of its argument that is an error code; a message follows it."""

RAISES = {"Refused", "Unauthenticated", "Forbidden", "NotFound", "Conflict", "Unavailable", "FusionError"}
"""Callables whose keyword `code` is an error code."""


def literals(node: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    """Yield the texts that an expression can be, as far as the source says."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body, constants)
        yield from literals(node.orelse, constants)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]


def constants_of(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[target.id] = value.value
    return found


def codes_in(tree: ast.Module) -> Iterator[str]:
    """Yield every error code that a module names where only a code can stand."""
    constants = constants_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CODE_ARGUMENT and len(node.args) > CODE_ARGUMENT[name] + 1:
                yield from literals(node.args[CODE_ARGUMENT[name]], constants)
            yield from (
                code
                for keyword in node.keywords
                if keyword.arg == "code" and name in RAISES
                for code in literals(keyword.value, constants)
            )
        if isinstance(node, ast.ClassDef):
            yield from _class_code(node)


def _class_code(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(statement, ast.Assign) and isinstance(target, ast.Name) and target.id == "code":
            yield from literals(statement.value, {})


def test_every_code_used_is_registered() -> None:
    used = {
        (code, path.relative_to(ROOT).as_posix()) for path in SOURCES for code in codes_in(ast.parse(path.read_text()))
    }

    assert len(used) > 100  # the scan sees the source
    assert sorted(found for found in used if found[0] not in ERROR_CODES) == []


def test_every_registered_code_is_used() -> None:
    texts = "\n".join(path.read_text() for path in SOURCES)

    assert [code for code in ERROR_CODES if f'"{code}"' not in texts] == []


def test_every_code_is_described() -> None:
    for code, error in ERROR_CODES.items():
        assert error.code == code
        assert code == code.lower()
        assert error.title
        assert error.meaning.endswith(".")
        assert error.status is None or HTTPStatus(error.status) >= HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused([Fault("a", "empty", "must not be empty")]), 422),
        (Refused([Fault("a", "empty", "must not be empty")], code="invalid_parameter"), 400),
        (Refused([Fault("a", "too_large", "is too large")], code="too_large"), 413),
        (NotFound("The source does not exist", code="unknown_source"), 404),
        (Conflict("The version differs", code="version_conflict"), 409),
        (Unavailable("Odoo is down", code="odoo_down"), 503),
        (FusionError("Unknown"), 500),
    ],
)
def test_a_response_has_the_status_of_its_code(error: FusionError, status: int) -> None:
    assert status_of(error) == status
