"""The tables of template.yaml on an engine of one's own, for tests and benchmarks."""

import re
import uuid
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"

# What create_table takes; the rest of a table's properties is the business of the template's own tests.
_TAKEN = (
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "BillingMode",
)


_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of the tables."""

    usage: str
    window_usage: str
    markers: str
    catalog: str
    ratings: str
    webhooks: str
    state: str
    audit: str

    def environment(self) -> dict[str, str]:
        """Return the settings that name the tables, as template.yaml gives them to the functions."""
        return {f"{f.name.upper()}_TABLE": getattr(self, f.name) for f in fields(self)}


def table_name(resource: str) -> str:
    """Return a table's name in `Tables` from its name in the template without `Table`."""
    return _WORD.sub("_", resource).lower().replace("catalogue", "catalog")  # its first name in the template


class _TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, whose values do not matter here."""


def _tagged(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node)


_TemplateLoader.add_multi_constructor("!", _tagged)


def definitions(template: Path = TEMPLATE) -> dict[str, dict[str, Any]]:
    """Return what `create_table` needs for each table of the template, by the names in `Tables`."""
    resources = yaml.load(template.read_text(), _TemplateLoader)["Resources"]
    found = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            key = table_name(name.removesuffix("Table"))
            found[key] = {taken: properties[taken] for taken in _TAKEN if taken in properties}
            for index in found[key].get("GlobalSecondaryIndexes", []):
                index.pop("WarmThroughput", None)  # a parameter decides about it
    return found


def create(client: "DynamoDBClient", defined: dict[str, dict[str, Any]]) -> Tables:
    """Create empty tables under a prefix of their own and return their names."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    names = Tables(**{f.name: f"{prefix}-{f.name}" for f in fields(Tables)})
    for key, definition in defined.items():
        client.create_table(TableName=getattr(names, key), **definition)
    return names


def delete(client: "DynamoDBClient", tables: Tables) -> None:
    """Delete the tables and all they hold."""
    for field in fields(tables):
        client.delete_table(TableName=getattr(tables, field.name))
