"""Queries: of a table or an index, by key, page by page. And scans of whole tables, for tests."""

from collections.abc import Mapping
from typing import Any

from tests.memory_dynamodb import parsing
from tests.memory_dynamodb.errors import invalid
from tests.memory_dynamodb.evaluation import Scope, check_types, holds, literal, paths_in, projected
from tests.memory_dynamodb.nodes import Between, Both, Comparison, Condition, Path, Predicate
from tests.memory_dynamodb.storage import Entry, Index, Range, Table, walk
from tests.memory_dynamodb.values import Comparable, Item, comparable, kind_of, normalised, size_of

_PAGE_BYTES = 1024 * 1024
_LAST_CHARACTER = "\U0010ffff"


def query(table: Table, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of a query."""
    index = table.index(request.get("IndexName"))
    if request.get("IndexName") is not None and request.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    scope, condition, filtering, paths = _read(request)
    if filtering is not None:
        _check_filter(filtering, table, index, scope)
    partition, bounds = _range(condition, index, scope)
    after = _after(request, table, index, partition)
    limit = request.get("Limit")
    if limit is not None and limit < 1:
        raise invalid(f"Limit must be at least 1, not {limit}")
    found: list[Item] = []
    scanned, size = 0, 0
    last: Item | None = None
    entries = index.entries(partition)
    for entry in walk(entries, bounds, after, forward=request.get("ScanIndexForward", True)):
        stored = table.items[entry[1]]
        item = index.project(stored.item)
        size += stored.size if item is stored.item else size_of(item)
        scanned += 1
        if filtering is None or holds(filtering, item, scope):
            found.append(item)
        if (limit is not None and scanned == limit) or size > _PAGE_BYTES:
            if not bounds.ends_at(entry, forward=request.get("ScanIndexForward", True)):
                last = {name: stored.item[name] for name in (*table.schema.names, *index.schema.names)}
            break
    answer: dict[str, Any] = {"Count": len(found), "ScannedCount": scanned}
    if request.get("Select") != "COUNT":
        answer["Items"] = [item if paths is None else projected(item, paths) for item in found]
    if last is not None:
        answer["LastEvaluatedKey"] = last
    return answer


def scan(table: Table, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return all items of a table that its filter lets through, on one page."""
    unknown = request.keys() - {
        "TableName",
        "ConsistentRead",
        "FilterExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
    }
    if unknown:
        raise NotImplementedError(f"a scan with {sorted(unknown)}")
    items = [stored.item for stored in table.items.values()]
    found = items
    if "FilterExpression" in request:
        scope = Scope(request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues"))
        filtering = parsing.condition(request["FilterExpression"], "FilterExpression")
        scope.check([filtering])
        check_types(filtering, scope)
        found = [item for item in items if holds(filtering, item, scope)]
    return {"Items": found, "Count": len(found), "ScannedCount": len(items)}


def _read(request: Mapping[str, Any]) -> tuple[Scope, Condition, Condition | None, Any]:
    scope = Scope(request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues"))
    text = request.get("KeyConditionExpression")
    if text is None:
        raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    condition = parsing.condition(text, "KeyConditionExpression")
    nodes: list[Any] = [condition]
    filtering = None
    if "FilterExpression" in request:
        filtering = parsing.condition(request["FilterExpression"], "FilterExpression")
        nodes.append(filtering)
    projection: tuple[Path, ...] | None = None
    if "ProjectionExpression" in request:
        projection = parsing.projection(request["ProjectionExpression"])
        nodes.append(projection)
    scope.check(nodes)
    paths = None if projection is None else [scope.parts(path) for path in projection]
    for node in (condition, filtering):
        if node is not None:
            check_types(node, scope)
    return scope, condition, filtering, paths


def _check_filter(filtering: Condition, table: Table, index: Index, scope: Scope) -> None:
    """Check that a filter asks for no key, and for nothing that the index does not hold."""
    names = {str(scope.parts(path)[0]) for path in paths_in(filtering)}
    if names & {*index.schema.names}:
        raise invalid("Filter Expression can only contain non-primary key attributes")
    if missing := names - index.held(names):
        raise invalid(
            "One or more parameter values were invalid: Secondary index does not project one or more filter "
            f"attributes: {sorted(missing)}"
        )


def _range(condition: Condition, index: Index, scope: Scope) -> tuple[Comparable, Range]:
    """Return the partition and the range of sort keys that a key condition names."""
    parts = _ands(condition)
    partition: Comparable | None = None
    bounds: Range | None = None
    for part in parts:
        name = _name(part, scope)
        if name == index.schema.hash and isinstance(part, Comparison) and part.operator == "=":
            partition = _operand(part.right, index.schema.types[0], scope)
        elif name == index.schema.range and bounds is None:
            bounds = _bounds(part, index.schema.types[1], scope)
        else:
            raise invalid("Query key condition not supported")
    if partition is None:
        raise invalid(f"Query condition missed key schema element: {index.schema.hash}")
    return partition, bounds or Range()


def _ands(condition: Condition) -> list[Condition]:
    if isinstance(condition, Both):
        return [*_ands(condition.left), *_ands(condition.right)]
    return [condition]


def _name(part: Condition, scope: Scope) -> str:
    operand: Any = None
    if isinstance(part, Comparison):
        operand = part.left
    elif isinstance(part, Between):
        operand = part.operand
    elif isinstance(part, Predicate):
        operand = part.arguments[0]
    if not isinstance(operand, Path) or len(operand.parts) != 1:
        raise invalid("Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression")
    return str(scope.parts(operand)[0])


def _operand(node: Any, kind: str, scope: Scope) -> Comparable:
    value = literal(node, scope)
    if kind_of(value) != kind:
        raise invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
    if not value[kind]:
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
            "contain an empty string value."
        )
    return comparable(value)


def _bounds(part: Condition, kind: str, scope: Scope) -> Range:
    if isinstance(part, Between):
        return Range(_operand(part.low, kind, scope), _operand(part.high, kind, scope))
    if isinstance(part, Predicate) and part.name == "begins_with":
        prefix = _operand(part.arguments[1], kind, scope)
        if not isinstance(prefix, str):
            raise NotImplementedError("begins_with of a binary sort key")
        return Range(prefix, prefix + _LAST_CHARACTER * 8)
    if isinstance(part, Comparison):
        value = _operand(part.right, kind, scope)
        match part.operator:
            case "=":
                return Range(value, value)
            case "<" | "<=":
                return Range(None, value, high_included=part.operator == "<=")
            case ">" | ">=":
                return Range(value, None, low_included=part.operator == ">=")
    raise invalid("Invalid operator used in KeyConditionExpression")


def _after(request: Mapping[str, Any], table: Table, index: Index, partition: Comparable) -> Entry | None:
    """Return the entry after which the page begins."""
    given = request.get("ExclusiveStartKey")
    if given is None:
        return None
    start = {name: normalised(value) for name, value in given.items()}
    wanted = {*table.schema.names, *index.schema.names}
    if start.keys() != wanted:
        raise invalid("The provided starting key is invalid")
    for schema in (table.schema, index.schema):
        for name, kind in zip(schema.names, schema.types, strict=True):
            if kind not in start[name] or not start[name][kind]:
                raise invalid("The provided starting key is invalid")
    if comparable(start[index.schema.hash]) != partition:
        raise invalid("The provided starting key is outside query boundaries based on provided conditions")
    place = tuple(comparable(start[name]) for name in index.schema.names[1:])
    return place, tuple(comparable(start[name]) for name in table.schema.names)
