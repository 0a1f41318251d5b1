"""Writes of one item, worked out before any is carried out: so a transaction is all or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.memory_dynamodb import parsing
from tests.memory_dynamodb.errors import Refusal, invalid
from tests.memory_dynamodb.evaluation import Scope, check_types, check_update, holds, projected, updated
from tests.memory_dynamodb.nodes import Condition, Part, Update
from tests.memory_dynamodb.storage import Key, Table
from tests.memory_dynamodb.values import Item, normalised

Request = Mapping[str, Any]

_REFUSED = "The conditional request failed"


@dataclass(frozen=True, slots=True)
class Write:
    """A write worked out: the item before and after (None: there is none), and the paths it changes."""

    table: Table
    key: Key
    before: Item | None
    after: Item | None
    size: int = 0
    paths: tuple[tuple[Part, ...], ...] = ()
    check_alone: bool = False

    def carry_out(self) -> None:
        """Store what comes of it."""
        if self.check_alone:
            return
        if self.after is None:
            self.table.remove(self.key)
        else:
            self.table.put(self.key, self.after, self.size)

    def attributes(self, wanted: str) -> Item | None:
        """Return what `ReturnValues` asks for; None where there is nothing to return."""
        if wanted == "ALL_OLD":
            return self.before
        if wanted == "ALL_NEW":
            return self.after
        if wanted in ("UPDATED_OLD", "UPDATED_NEW"):
            item = self.before if wanted == "UPDATED_OLD" else self.after
            return projected(item, self.paths) if item is not None else None
        return None


def put(table: Table, request: Request) -> Write:
    """Return what a PutItem comes to."""
    item = {name: normalised(value) for name, value in request["Item"].items()}
    key = table.key_of(item)
    scope, condition = _scope(request)
    size = table.check(item)
    before = table.get(key)
    _must_hold(condition, before, scope, request)
    return Write(table, key, before, item, size)


def delete(table: Table, request: Request) -> Write:
    """Return what a DeleteItem comes to."""
    key = table.key_of(_normalised_key(request), alone=True)
    scope, condition = _scope(request)
    before = table.get(key)
    _must_hold(condition, before, scope, request)
    return Write(table, key, before, None)


def check(table: Table, request: Request) -> Write:
    """Return what a ConditionCheck comes to."""
    write = delete(table, request)
    return Write(table, write.key, write.before, write.before, check_alone=True)


def update(table: Table, request: Request) -> Write:
    """Return what an UpdateItem comes to."""
    given = _normalised_key(request)
    key = table.key_of(given, alone=True)
    text = request.get("UpdateExpression")
    parsed = parsing.update(text) if text is not None else Update()
    scope, condition = _scope(request, parsed)
    paths = check_update(parsed, scope, table.key_names)
    before = table.get(key)
    _must_hold(condition, before, scope, request)
    return changed(table, key, given, before, parsed=parsed, scope=scope, paths=tuple(paths))


def changed(
    table: Table,
    key: Key,
    given: Item,
    before: Item | None,
    *,
    parsed: Update,
    scope: Scope,
    paths: tuple[tuple[Part, ...], ...],
) -> Write:
    """Return what an update of the item under `key` comes to."""
    after = updated(before if before is not None else given, parsed, scope)
    try:
        size = table.check(after)
    except Refusal as refusal:
        if "Item size" in refusal.message:
            raise invalid("Item size to update has exceeded the maximum allowed size") from None
        raise
    return Write(table, key, before, after, size, paths)


def _normalised_key(request: Request) -> Item:
    return {name: normalised(value) for name, value in request["Key"].items()}


def _scope(request: Request, changes: Update | None = None) -> tuple[Scope, Condition | None]:
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    text = request.get("ConditionExpression")
    condition = parsing.condition(text, "ConditionExpression") if text is not None else None
    for given, what in ((names, "ExpressionAttributeNames"), (values, "ExpressionAttributeValues")):
        if given is not None and not given:
            raise invalid(f"{what} must not be empty")
        if given is not None and condition is None and changes is None:
            raise invalid(f"{what} can only be specified when using expressions")
    scope = Scope(names, values)
    scope.check([node for node in (condition, changes) if node is not None])
    if condition is not None:
        check_types(condition, scope)
    return scope, condition


def _must_hold(condition: Condition | None, item: Item | None, scope: Scope, request: Request) -> None:
    if condition is None or holds(condition, item, scope):
        return
    raise condition_failed(item, request)


def condition_failed(item: Item | None, request: Request) -> Refusal:
    """Return that a write's condition did not hold, with the item where the request asks for it."""
    wants = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    extra = {"Item": item} if wants and item is not None else {}
    return Refusal("ConditionalCheckFailedException", _REFUSED, **extra)
