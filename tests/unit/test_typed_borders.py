"""Typed between parts: raw JSON has a name, and only the modules listed here name it in public signatures."""

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.unit.test_layering import PACKAGE_MODULES, ROOT, modules

MODULES = {
    **{name: tree for name, tree in PACKAGE_MODULES.items() if name},
    **{f"functions.{name}": tree for name, tree in modules(ROOT / "functions") if name},
}

NAMES_DEFINED_IN = {"json_types", "dynamodb.attributes"}
"""Modules that give `Any` its names; everywhere else a public signature uses a name."""

CLIENTS = {"dynamodb.client": "boto3 makes clients of all services by one function"}

JSON_EDGES = {
    "json_types": "defines the names",
    "strict_json": "parses request bodies",
    # Definitions: written by callers as JSON, validated by pydantic, stored and shown as JSON.
    "catalog": "parses and writes metrics, charges and subscriptions",
    "rating.estimation": "takes definitions as JSON from outside clients",
    "rating.result": "writes an estimate for outside clients",
    # Stored documents: the modules that write and read them.
    "billing.large_documents": "cuts stored rating documents",
    "billing.document_fields": "reads fields of stored rating documents",
    "billing.rating_document": "writes rating documents",
    "billing.stored_price": "writes and reads the definitions in rating documents",
    "odoo_lines.line_guard": "writes and reads the notes of a comparison",
    "webhooks.events.payload": "contains examples of payloads as JSON",
    # The database, queues and HTTP.
    "dynamodb": "writes and reads items; contains stored documents",
    "messaging": "writes and reads queue messages",
    "http": "reads events of API Gateway, writes its responses",
    "access.people": "reads the claims of JWTs",
    "oidc": "reads JWTs, and what their issuer publishes",
    "outbound.guarded_client": "reads responses of services on the internet",
    "functions.*.handler": "takes events of Lambda",
    "functions.admin.cross_origin": "takes events of API Gateway, writes its responses",
    "functions.admin.static_files": "takes events of API Gateway, writes its responses",
    "functions.*.app": "takes events of API Gateway",
    "functions.*.request": "reads request bodies",
    "functions.*.responses": "writes responses of API Gateway",
    # Odoo: rows and arguments of its API.
    "odoo.client": "calls Odoo",
    "odoo.protocols": "writes calls of Odoo and reads its responses",
    "odoo.keys": "reads secrets",
    "odoo.order_line_reading": "reads rows of order lines",
    "odoo.subscriptions": "reads rows of orders",
    "odoo.taxes": "reads rows of taxes",
    "functions.admin.services.openapi": "writes the OpenAPI document",
}
"""Module or package -> what JSON it reads or writes. `*` stands for one word."""


def is_within(name: str, places: Mapping[str, str] | set[str]) -> bool:
    """Return whether a module is one of `places` or within one."""
    patterns = (re.escape(place).replace(r"\*", r"\w+") for place in places)
    return any(re.fullmatch(rf"{pattern}(\..+)?", name) for pattern in patterns)


def aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a module gives types, and the types."""
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Name() | ast.Subscript() | ast.BinOp() | ast.Attribute() as value
            ):
                yield name, value


def public_annotations(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the annotations of a module's public functions, methods and fields, and the types that it names."""
    yield from ((name, value) for name, value in aliases(tree) if not name.startswith("_"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name.startswith("__")):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
            yield from ((node.name, argument.annotation) for argument in given if argument and argument.annotation)
            if node.returns is not None:
                yield node.name, node.returns
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
            yield from ((f"{node.name}.{ast.unparse(field.target)}", field.annotation) for field in fields)


def words(annotation: ast.expr) -> set[str]:
    return set(re.findall(r"\w+", ast.unparse(annotation)))


def imported_names(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield what a module imports: the module of the package or of functions, the name there, and the name here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            source = node.module.removeprefix("fusion_billing.")
            yield from ((source, alias.name, alias.asname or alias.name) for alias in node.names)


def names_of_any(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Return for each module its names of `Any`: defined there, or imported, directly or by way of other modules."""
    found = {name: {"Any"} for name in trees}
    while True:
        before = sum(map(len, found.values()))
        for name, tree in trees.items():
            found[name] |= {alias for alias, value in aliases(tree) if words(value) & found[name]}
            sources = {**found, "typing": {"Any"}}
            found[name] |= {here for source, there, here in imported_names(tree) if there in sources.get(source, ())}
        if sum(map(len, found.values())) == before:
            return found


def untyped(tree: ast.Module, names: set[str]) -> list[str]:
    """Return where a module's public signatures use one of `names`."""
    return [f"{place}: {ast.unparse(type_)}" for place, type_ in public_annotations(tree) if words(type_) & names]


NAMES = names_of_any(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_public_signature_names_what_any_means(name: str) -> None:
    allowed = is_within(name, NAMES_DEFINED_IN) or name in CLIENTS

    assert allowed or untyped(MODULES[name], {"Any"}) == []


@pytest.mark.parametrize("name", MODULES)
def test_raw_json_crosses_borders_at_the_edge_alone(name: str) -> None:
    assert is_within(name, JSON_EDGES) or untyped(MODULES[name], NAMES[name]) == []


@pytest.mark.parametrize("place", JSON_EDGES)
def test_every_edge_that_is_listed_handles_raw_json(place: str) -> None:
    assert any(untyped(tree, NAMES[name]) for name, tree in MODULES.items() if is_within(name, {place}))


@pytest.mark.parametrize("name", [name for name in MODULES if not is_within(name, {"dynamodb"})])
def test_items_of_dynamodb_stay_in_its_adapters(name: str) -> None:
    defined = {"Item", "ItemView", "Request", "Attribute"}
    taken = {here for source, there, here in imported_names(MODULES[name]) if source == "dynamodb.attributes"}

    assert defined <= NAMES["dynamodb.attributes"]
    assert taken & NAMES[name] == set()


JSON_NAMES = NAMES["json_types"]


@pytest.mark.parametrize(
    "source",
    [
        "def rate(charge: Any) -> None: ...",
        "def rate(**charge: Any) -> None: ...",
        "def rate() -> 'list[Any]': ...",
        "class Store:\n    def get(self) -> dict[str, Any]: ...",
        "class Store(Protocol):\n    def __call__(self, item: JsonObject) -> None: ...",
        "@dataclass\nclass Rating:\n    document: JsonMapping",
        "Row = dict[str, JsonValue]",
        "Row: TypeAlias = JsonObject",
    ],
)
def test_raw_json_in_a_signature_is_found(source: str) -> None:
    assert untyped(ast.parse(source), JSON_NAMES) != []


def test_a_name_of_a_name_of_any_is_found() -> None:
    trees = {
        "json_types": ast.parse("JsonObject: TypeAlias = dict[str, Any]"),
        "odoo.rows": ast.parse("from fusion_billing.json_types import JsonObject as J\n_Row = J\nRows = list[_Row]"),
        "odoo.reading": ast.parse("from fusion_billing.odoo.rows import Rows\nfrom typing import Any as Unknown"),
        "http.request": ast.parse("class Rows: ..."),
    }

    found = names_of_any(trees)

    assert found["odoo.rows"] == {"Any", "J", "_Row", "Rows"}
    assert found["odoo.reading"] == {"Any", "Rows", "Unknown"}
    assert found["http.request"] == {"Any"}


@pytest.mark.parametrize(
    "source",
    [
        "def _rate(charge: Any) -> None: ...",
        "def rate(charge: Charge) -> dict[str, object]: ...",
        "def rate() -> None:\n    found: dict[str, Any] = {}",
    ],
)
def test_what_does_not_cross_a_border_is_not_found(source: str) -> None:
    assert untyped(ast.parse(source), JSON_NAMES) == []
