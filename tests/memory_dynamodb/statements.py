"""BatchExecuteStatement: PartiQL statements, each carried out for itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.memory_dynamodb import partiql, writes
from tests.memory_dynamodb.errors import Refusal, invalid
from tests.memory_dynamodb.evaluation import Scope, check_update, holds, literal
from tests.memory_dynamodb.nodes import Both, Comparison, Condition, Path
from tests.memory_dynamodb.storage import Table
from tests.memory_dynamodb.values import Item

_MOST = 25
_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
    "ResourceNotFoundException": "ResourceNotFound",
}

TableOf = Callable[[Mapping[str, Any]], Table]


def execute(batch: Sequence[Mapping[str, Any]], table_of: TableOf, *, left_over: int = 0) -> list[dict[str, Any]]:
    """Return what each statement answers; the last `left_over` are refused, throttled."""
    if not 1 <= len(batch) <= _MOST:
        raise invalid(f"Member must have length less than or equal to {_MOST}")
    responses: list[dict[str, Any]] = []
    scopes = [_scope(request) for request in batch]
    for place, request in enumerate(batch):
        parsed, scope = partiql.parse(request["Statement"]), scopes[place]
        answer: dict[str, Any] = {"TableName": parsed.table}
        if place >= len(batch) - left_over:
            answer["Error"] = {
                "Code": "ThrottlingError",
                "Message": "Throughput exceeds the current capacity",
            }
        else:
            try:
                _worked_out(parsed, request, scope, table_of({"TableName": parsed.table})).carry_out()
            except Refusal as refusal:
                code = _CODES.get(refusal.code, refusal.code)
                answer["Error"] = {"Code": code, "Message": refusal.message, **refusal.extra}
        responses.append(answer)
    return responses


def _scope(request: Mapping[str, Any]) -> Scope:
    given = request.get("Parameters", ())
    if len(given) != partiql.parse(request["Statement"]).parameters:
        raise invalid("Number of parameters in request and statement don't match.")
    return Scope(None, {f"?{place}": value for place, value in enumerate(given)})


def _worked_out(parsed: partiql.Statement, request: Mapping[str, Any], scope: Scope, table: Table) -> writes.Write:
    if parsed.item is not None:
        return _insert(parsed.item, scope, table)
    assert parsed.condition is not None
    key = _key(parsed.condition, scope, table)
    own = table.key_of(key, alone=True)
    before = table.get(own)
    paths = check_update(parsed.update, scope, table.key_names)
    if before is None and parsed.action == "delete":
        return writes.Write(table, own, None, None)
    if before is None or not holds(parsed.condition, before, scope):
        raise writes.condition_failed(before, request)
    if parsed.action == "delete":
        return writes.Write(table, own, before, None)
    return writes.changed(table, own, key, before, parsed=parsed.update, scope=scope, paths=tuple(paths))


def _insert(item: Any, scope: Scope, table: Table) -> writes.Write:
    inserted: Item = literal(item, scope)["M"]
    key = table.key_of(inserted)
    size = table.check(inserted)
    if table.get(key) is not None:
        raise Refusal("DuplicateItem", "Duplicate primary key exists in table")
    return writes.Write(table, key, None, inserted, size)


def _key(condition: Condition, scope: Scope, table: Table) -> Item:
    """Return the key that a WHERE clause names."""
    key: Item = {}
    for part in _ands(condition):
        if isinstance(part, Comparison) and part.operator == "=" and isinstance(part.left, Path):
            name = part.left.parts[0]
            if len(part.left.parts) == 1 and name in table.key_names:
                key[str(name)] = literal(part.right, scope)
    if key.keys() != table.key_names:
        raise invalid("Where clause does not contain a mandatory equality on all key attributes")
    return key


def _ands(condition: Condition) -> list[Condition]:
    if isinstance(condition, Both):
        return [*_ands(condition.left), *_ands(condition.right)]
    return [condition]
