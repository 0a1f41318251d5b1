"""The statements of template.yaml's roles, as far as they are about what the functions' code calls."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from local.rights.calls import Use
from local.tables import TEMPLATE, table_name

_KEYS = {
    "dynamodb:LeadingKeys": "dynamodb",
    "kms:EncryptionContext:endpoint": "kms",
}
_UNCONDITIONAL = ("*",)
_FUNCTIONS = ("Ingest", "Rate", "Relay", "Admin")
_CALLED = ("dynamodb:", "kms:", "secretsmanager:", "sqs:")


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement: actions on one resource, limited to keys (partition keys, or endpoints' IDs for KMS)."""

    sid: str
    actions: tuple[str, ...]
    resource: str
    keys: tuple[str, ...]

    def allows(self, use: Use) -> bool:
        """Return whether the statement allows `use`."""
        return (
            use.action in self.actions
            and use.resource == self.resource
            and (self.keys == _UNCONDITIONAL or any(fnmatchcase(use.key, pattern) for pattern in self.keys))
        )


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags: `!GetAtt X.Arn` is its text, `!If` the list of its values."""


def _tagged(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _tagged)


def resources(template: Path = TEMPLATE) -> dict[str, dict[str, Any]]:
    """Return the template's resources, its intrinsic functions as their arguments."""
    found: dict[str, dict[str, Any]] = yaml.load(template.read_text(), _Loader)["Resources"]
    return found


def granted(template: Path = TEMPLATE) -> dict[str, tuple[Grant, ...]]:
    """Return the grants of each function (`ingest`, `rate`, `relay`, `admin`)."""
    return {
        name.removesuffix("Role").lower(): tuple(_grants(resource["Properties"]["Policies"]))
        for name, resource in resources(template).items()
        if resource["Type"] == "AWS::IAM::Role" and name.removesuffix("Role") in _FUNCTIONS
    }


def _grants(policies: list[dict[str, Any]]) -> Iterator[Grant]:
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = tuple(action for action in statement["Action"] if action.startswith(_CALLED))
            keys = tuple(_keys(statement.get("Condition", {}))) or _UNCONDITIONAL
            for resource in _names(statement["Resource"]) if actions else ():
                yield Grant(statement["Sid"], actions, resource, keys)


def _keys(condition: dict[str, dict[str, Any]]) -> Iterator[str]:
    for operands in condition.values():
        for name, values in operands.items():
            if name in _KEYS:
                yield from [values] if isinstance(values, str) else values


def _names(resource: Any) -> set[str]:
    """Return the names of what a statement is about: a table's as in `local.tables.Tables`, others' logical IDs.

    A secret that is created or given, `!If [MakesOdooSecret, …]`, is named by the one that is created.
    """
    if isinstance(resource, list):
        if resource[0] == "MakesOdooSecret":
            return _names(resource[1])
        return {name for part in resource for name in _names(part)}
    found = re.fullmatch(r"(?:\$\{)?(\w+)\.(?:Arn|Id)\}?(/index/\w+)?", str(resource))
    if found is None:
        return set()
    is_table = found[1].endswith("Table")
    name = table_name(found[1].removesuffix("Table")) if is_table else found[1]
    return {name + (found[2] or "")}
