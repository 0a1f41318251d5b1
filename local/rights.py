"""What each function's role lets it do with the tables, and a watch that notes every call beyond it.

DynamoDB Local allows everything to everybody. With the watch on, tests show that what a function does is what
template.yaml lets it do: `with watched() as beyond: ...` gathers the calls that AWS would have denied.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from botocore.client import BaseClient

from local.tables import TEMPLATE, table_name

_ROOT = Path(__file__).resolve().parent.parent
_FUNCTIONS, _TESTS = f"{_ROOT / 'functions'}/", f"{_ROOT / 'tests'}/"
_FRAMES_LOOKED_AT = 200
_ROLES = {"IngestRole", "RateRole", "RelayRole", "AdminRole"}
_PARTIQL = {"INSERT": "PartiQLInsert", "UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete"}
_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}

Right = tuple[str, str]
"""An action and what it is done with: a table as in `local.tables.Tables`, or `<table>/index/<name>`."""


class _Loader(yaml.SafeLoader):
    """YAML whose `!GetAtt X.Arn` and `!Sub "${X.Arn}/index/y"` are their texts, and other tags nothing."""


def _tagged(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _tagged)


def granted(template: Path = TEMPLATE) -> dict[str, frozenset[Right]]:
    """Return the rights on tables of each function (`ingest`, `rate`, `relay`, `admin`)."""
    resources = yaml.load(template.read_text(), _Loader)["Resources"]
    return {
        name.removesuffix("Role").lower(): frozenset(_rights(resource["Properties"]["Policies"]))
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role" and name in _ROLES
    }


def _rights(policies: list[dict[str, Any]]) -> Iterator[Right]:
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            found = re.fullmatch(r"(?:\$\{)?(\w+)Table\.Arn\}?(/index/\w+)?", str(statement.get("Resource") or ""))
            if found is not None:
                table = table_name(found[1]) + (found[2] or "")
                yield from ((action.removeprefix("dynamodb:"), table) for action in statement["Action"])


def needed(operation: str, arguments: Mapping[str, Any]) -> set[Right]:
    """Return the rights that AWS asks for before it does one call."""
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return {(operation, _table(name)) for name in arguments["RequestItems"]}
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        return {
            (_TRANSACTION[kind], _table(of["TableName"]))
            for item in arguments["TransactItems"]
            for kind, of in item.items()
        }
    if operation == "BatchExecuteStatement":
        return {_of_statement(statement["Statement"]) for statement in arguments["Statements"]}
    if operation == "ExecuteStatement":
        return {_of_statement(arguments["Statement"])}
    index = f"/index/{arguments['IndexName']}" if "IndexName" in arguments else ""
    return {(operation, _table(arguments["TableName"]) + index)}


def _of_statement(text: str) -> Right:
    names = re.findall(r'"([^"]+)"', text)
    return _PARTIQL.get(text.split(maxsplit=1)[0].upper(), "PartiQLSelect"), _table(names[0])


def _table(name: str) -> str:
    return name.rpartition("-")[2]


def _asking() -> str | None:
    """Return the function whose code is making the present call, None where it is a test's own.

    What a test does in the midst of a function's work, as another process might, is the test's own too.
    """
    frame = sys._getframe(2)  # noqa: SLF001  the caller of the call that is watched
    for _ in range(_FRAMES_LOOKED_AT):
        file = frame.f_code.co_filename
        if file.startswith(_FUNCTIONS):
            return file.removeprefix(_FUNCTIONS).partition("/")[0]
        if frame.f_back is None or file.startswith(_TESTS):
            return None
        frame = frame.f_back
    return None


@contextmanager
def watched() -> Iterator[set[str]]:
    """Note each call to DynamoDB of a function that its role does not allow."""
    roles = granted()
    beyond: set[str] = set()
    every_client: Any = BaseClient
    original = every_client._make_api_call  # noqa: SLF001  every call of every client goes through it

    def watching(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        function = _asking() if self.meta.service_model.service_name == "dynamodb" else None
        if function is not None:
            lacking = needed(operation, arguments) - roles[function]
            beyond.update(f"{function} may not {action} on {table}" for action, table in lacking)
        return original(self, operation, arguments)

    every_client._make_api_call = watching  # noqa: SLF001
    try:
        yield beyond
    finally:
        every_client._make_api_call = original  # noqa: SLF001
