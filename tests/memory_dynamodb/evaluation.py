"""Parsed expressions held against items: conditions, projections, updates."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from tests.memory_dynamodb.errors import invalid
from tests.memory_dynamodb.nodes import (
    Arithmetic,
    Between,
    Both,
    Comparison,
    Condition,
    Either,
    Function,
    In,
    Literal,
    Not,
    Operand,
    Part,
    Path,
    Placeholder,
    Predicate,
    Update,
)
from tests.memory_dynamodb.values import (
    ORDERED,
    SETS,
    Item,
    Value,
    comparable,
    copied,
    kind_of,
    normalised,
    plain,
    value_size,
)

_EXACT = Context(prec=400)

Node = Condition | Operand | Update


@lru_cache(4096)
def used(node: Node | tuple[Path, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names and the values that an expression has placeholders for."""
    names: set[str] = set()
    values: set[str] = set()
    for one in _walk(node):
        if isinstance(one, Placeholder):
            values.add(one.name)
        elif isinstance(one, Path):
            names.update(part for part in one.parts if isinstance(part, str) and part.startswith("#"))
    return frozenset(names), frozenset(values)


def _walk(node: Any) -> Iterator[Any]:
    yield node
    if isinstance(node, tuple):
        for one in node:
            yield from _walk(one)
    elif not isinstance(node, Path | Placeholder) and hasattr(node, "__dataclass_fields__"):
        for name in node.__dataclass_fields__:
            yield from _walk(getattr(node, name))


def paths_in(node: Node) -> list[Path]:
    """Return every path that an expression names."""
    return [one for one in _walk(node) if isinstance(one, Path)]


class Scope:
    """The names and values that go with a request's expressions."""

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, Any] | None) -> None:
        self._names = dict(names or {})
        self._values = {name: normalised(value) for name, value in (values or {}).items()}

    def check(self, nodes: Sequence[Node | tuple[Path, ...]]) -> None:
        """Check that every placeholder is given, and every one given is used."""
        names: set[str] = set()
        values: set[str] = set()
        for node in nodes:
            of_node = used(node)
            names |= of_node[0]
            values |= of_node[1]
        for wanted, given, what in (
            (names, self._names.keys(), "ExpressionAttributeNames"),
            (values, self._values.keys(), "ExpressionAttributeValues"),
        ):
            if missing := wanted - given:
                kind = "attribute name" if what.endswith("Names") else "attribute value"
                raise invalid(
                    f"Invalid expression: An expression {kind} used in expression is not defined; "
                    f"{kind}: {min(missing)}"
                )
            if unused := given - wanted:
                raise invalid(f"Value provided in {what} unused in expressions: keys: {{{min(unused)}}}")

    def parts(self, path: Path) -> tuple[Part, ...]:
        """Return a path's parts, placeholders replaced."""
        return tuple(
            self._names[part] if isinstance(part, str) and part.startswith("#") else part for part in path.parts
        )

    def value(self, placeholder: Placeholder) -> Value:
        """Return the value given for a placeholder."""
        return self._values[placeholder.name]


def literal(node: Operand, scope: Scope) -> Value:
    """Return the value of a literal or a placeholder."""
    if isinstance(node, Placeholder):
        return scope.value(node)
    assert isinstance(node, Literal)
    if node.kind == "M":
        return {"M": {name: literal(one, scope) for name, one in node.content}}
    if node.kind == "L":
        return {"L": [literal(one, scope) for one in node.content]}
    if node.kind == "set":
        members = [literal(one, scope) for one in node.content]
        kind = {single: many for many, single in SETS.items()}[kind_of(members[0])]
        return normalised({kind: [one[kind_of(one)] for one in members]})
    return normalised({node.kind: node.content})


def at(item: Item | None, parts: Sequence[Part]) -> Value | None:
    """Return what stands in an item at a path, None where nothing does."""
    found: Any = None if item is None else item.get(parts[0])  # type: ignore[arg-type]
    for part in parts[1:]:
        if found is None:
            return None
        if isinstance(part, int):
            elements = found.get("L")
            found = elements[part] if elements is not None and part < len(elements) else None
        else:
            members = found.get("M")
            found = members.get(part) if members is not None else None
    result: Value | None = found
    return result


# --- conditions ---


def holds(node: Condition, item: Item | None, scope: Scope) -> bool:
    """Tell whether a condition holds of an item (None: there is none)."""
    if isinstance(node, Both):
        return holds(node.left, item, scope) and holds(node.right, item, scope)
    if isinstance(node, Either):
        return holds(node.left, item, scope) or holds(node.right, item, scope)
    if isinstance(node, Not):
        return not holds(node.condition, item, scope)
    if isinstance(node, Comparison):
        return _compared(node.operator, _seen(node.left, item, scope), _seen(node.right, item, scope))
    if isinstance(node, Between):
        value = _seen(node.operand, item, scope)
        low, high = _seen(node.low, item, scope), _seen(node.high, item, scope)
        return _compared(">=", value, low) and _compared("<=", value, high)
    if isinstance(node, In):
        value = _seen(node.operand, item, scope)
        return any(_compared("=", value, _seen(choice, item, scope)) for choice in node.choices)
    return _true_of(node, item, scope)


def check_types(node: Condition, scope: Scope) -> None:
    """Check that values given in the expression are of types its operators and functions take."""
    if isinstance(node, Both | Either):
        check_types(node.left, scope)
        check_types(node.right, scope)
    elif isinstance(node, Not):
        check_types(node.condition, scope)
    elif isinstance(node, Comparison):
        if node.operator not in ("=", "<>"):
            _must_be(ORDERED, (node.left, node.right), node.operator, scope)
        if _resolved(node.left, scope) == _resolved(node.right, scope):
            raise invalid("Invalid expression: The first operand must be distinct from the remaining operands")
    elif isinstance(node, Between):
        _must_be(ORDERED, (node.operand, node.low, node.high), "BETWEEN", scope)
        _check_bounds(node, scope)
    elif isinstance(node, Predicate):
        if node.name == "begins_with":
            _must_be(frozenset({"S", "B"}), node.arguments, "begins_with", scope)
        elif node.name.startswith("attribute") and not isinstance(node.arguments[0], Path):
            raise invalid("Invalid expression: Operator or function requires a document path")


def _resolved(node: Operand, scope: Scope) -> Any:
    return scope.parts(node) if isinstance(node, Path) else node


def _check_bounds(node: Between, scope: Scope) -> None:
    if isinstance(node.low, Placeholder) and isinstance(node.high, Placeholder):
        low, high = scope.value(node.low), scope.value(node.high)
        if kind_of(low) != kind_of(high):
            raise invalid("Invalid expression: The BETWEEN operator requires same data type for lower and upper bounds")
        if comparable(low) > comparable(high):  # type: ignore[operator]
            raise invalid(
                "Invalid expression: The BETWEEN operator requires upper bound to be greater than or equal "
                "to lower bound"
            )


def _must_be(kinds: frozenset[str], operands: Sequence[Operand], what: str, scope: Scope) -> None:
    for operand in operands:
        if isinstance(operand, Placeholder) and kind_of(scope.value(operand)) not in kinds:
            raise invalid(
                f"Invalid expression: Incorrect operand type for operator or function; operator or function: "
                f"{what}, operand type: {kind_of(scope.value(operand))}"
            )


def _seen(node: Operand, item: Item | None, scope: Scope) -> Value | None:
    """Return an operand of a condition; None where its path holds nothing."""
    if isinstance(node, Path):
        return at(item, scope.parts(node))
    if isinstance(node, Function):
        found = _seen(node.arguments[0], item, scope)
        size = None if found is None else _size(found)
        return None if size is None else {"N": str(size)}
    return literal(node, scope)


def _size(value: Value) -> int | None:
    [(kind, content)] = value.items()
    if kind == "S":
        return len(content.encode())
    if kind in ("B", "L", "M", *SETS):
        return len(content)
    return None


def _compared(operator: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return operator == "<>"
    if operator == "=":
        return left == right
    if operator == "<>":
        return left != right
    if kind_of(left) != kind_of(right) or kind_of(left) not in ORDERED:
        return False
    first: Any = comparable(left)
    second: Any = comparable(right)
    if operator == "<":
        return bool(first < second)
    if operator == "<=":
        return bool(first <= second)
    return bool(first > second) if operator == ">" else bool(first >= second)


def _true_of(node: Predicate, item: Item | None, scope: Scope) -> bool:
    first = _seen(node.arguments[0], item, scope)
    if node.name == "attribute_exists":
        return first is not None
    if node.name == "attribute_not_exists":
        return first is None
    second = _seen(node.arguments[1], item, scope)
    if first is None or second is None:
        return False
    [(kind, content)] = first.items()
    [(other, sought)] = second.items()
    if node.name == "attribute_type":
        return bool(kind == sought)
    if node.name == "begins_with":
        return kind == other and kind in ("S", "B") and bool(content.startswith(sought))
    if kind in ("S", "B"):
        return kind == other and sought in content
    if kind == "L":
        return second in content
    return SETS.get(kind) == other and sought in content


# --- projections ---


def projected(item: Item, paths: Sequence[tuple[Part, ...]]) -> Item:
    """Return what an item holds at paths, in the item's own structure."""
    result: Item = {}
    for parts in paths:
        found = at(item, parts)
        if found is None:
            continue
        if len(parts) == 1:
            result[str(parts[0])] = found
        else:
            _graft(result, parts, found)
    return result


def _graft(result: Item, parts: tuple[Part, ...], found: Value) -> None:
    into: Any = result
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        holder: Value = {"L": []} if isinstance(following, int) else {"M": {}}
        last = found if following is None else holder
        if isinstance(part, int):
            into.append(last)
            step = into[-1]
        else:
            step = into.setdefault(part, last)
        if following is not None:
            into = step["L"] if "L" in step else step["M"]


# --- updates ---


def check_update(node: Update, scope: Scope, key_names: frozenset[str]) -> list[tuple[Part, ...]]:
    """Check an update's paths against each other and the key; return them, placeholders replaced."""
    paths = [scope.parts(path) for path in node.paths()]
    for index, path in enumerate(paths):
        if path[0] in key_names:
            raise invalid(
                f"One or more parameter values were invalid: Cannot update attribute {path[0]}. "
                "This attribute is part of the key"
            )
        for other in paths[index + 1 :]:
            shorter = min(len(path), len(other))
            if path[:shorter] == other[:shorter]:
                raise invalid("Invalid UpdateExpression: Two document paths overlap with each other")
    for _, operand in (*node.adds, *node.deletes):
        kind = kind_of(literal(operand, scope))
        if kind not in SETS and not (kind == "N" and (_, operand) in node.adds):
            raise invalid("Invalid UpdateExpression: Incorrect operand type for operator or function")
    return paths


def updated(item: Item, node: Update, scope: Scope) -> Item:
    """Return an item with an update applied; all of its operands are of the item before."""
    changes: list[tuple[tuple[Part, ...], Value | None]] = []
    for path, operand in node.sets:
        changes.append((scope.parts(path), _new(operand, item, scope)))
    for path, operand in node.adds:
        parts = scope.parts(path)
        changes.append((parts, _added(at(item, parts), literal(operand, scope))))
    for path, operand in node.deletes:
        parts = scope.parts(path)
        found = at(item, parts)
        if found is not None:
            changes.append((parts, _taken_from(found, literal(operand, scope))))
    result = dict(item)
    for parts, value in changes:
        _place(result, parts, value)
    removed = [scope.parts(path) for path in node.removes]
    for parts in sorted(removed, key=lambda parts: [str(part).zfill(9) for part in parts], reverse=True):
        _place(result, parts, None)
    return result


def _new(node: Operand, item: Item, scope: Scope) -> Value:
    if isinstance(node, Path):
        found = at(item, scope.parts(node))
        if found is None:
            raise invalid("The provided expression refers to an attribute that does not exist in the item")
        return found
    if isinstance(node, Arithmetic):
        left, right = _new(node.left, item, scope), _new(node.right, item, scope)
        return _calculated(node.operator, left, right)
    if isinstance(node, Function):
        return _called(node, item, scope)
    return literal(node, scope)


def _called(node: Function, item: Item, scope: Scope) -> Value:
    first, second = node.arguments
    if node.name == "if_not_exists":
        if not isinstance(first, Path):
            raise invalid("Invalid UpdateExpression: Operator or function requires a document path")
        found = at(item, scope.parts(first))
        return found if found is not None else _new(second, item, scope)
    left, right = _new(first, item, scope), _new(second, item, scope)
    if node.name == "list_append":
        if "L" not in left or "L" not in right:
            raise invalid("An operand in the update expression has an incorrect data type")
        return {"L": [*left["L"], *right["L"]]}
    value = _added(left, right) if node.name == "set_add" else _taken_from(left, right)
    if value is None:
        raise invalid("One or more parameter values were invalid: An string set  may not be empty")
    return value


def _calculated(operator: str, left: Value, right: Value) -> Value:
    if "N" not in left or "N" not in right:
        raise invalid("An operand in the update expression has an incorrect data type")
    first, second = Decimal(left["N"]), Decimal(right["N"])
    result = _EXACT.add(first, second) if operator == "+" else _EXACT.subtract(first, second)
    return {"N": plain(result)}


def _added(found: Value | None, value: Value) -> Value:
    kind = kind_of(value)
    if found is None:
        return value
    if kind_of(found) != kind:
        raise invalid("An operand in the update expression has an incorrect data type")
    if kind == "N":
        return _calculated("+", found, value)
    return normalised({kind: list({*found[kind], *value[kind]})})


def _taken_from(found: Value, value: Value) -> Value | None:
    kind = kind_of(value)
    if kind_of(found) != kind:
        raise invalid("An operand in the update expression has an incorrect data type")
    left = [one for one in found[kind] if one not in value[kind]]
    return {kind: left} if left else None


def _place(item: Item, parts: tuple[Part, ...], value: Value | None) -> None:
    """Put a value at a path of an item, or take away what is there (None)."""
    name = str(parts[0])
    if len(parts) == 1:
        if value is None:
            item.pop(name, None)
        else:
            item[name] = value
        return
    top = copied(item[name]) if name in item else None
    into: Any = top
    for part in parts[1:-1]:
        into = _step(into, part)
    _place_last(into, parts[-1], value)
    assert top is not None
    item[name] = top


def _place_last(into: Any, part: Part, value: Value | None) -> None:
    if isinstance(part, int):
        elements = None if into is None else into.get("L")
        if elements is None:
            raise _bad_path()
        if value is None:
            del elements[part : part + 1]
        elif part < len(elements):
            elements[part] = value
        else:
            elements.append(value)
        return
    members = None if into is None else into.get("M")
    if members is None:
        raise _bad_path()
    if value is None:
        members.pop(part, None)
    else:
        members[part] = value


def _step(into: Any, part: Part) -> Any:
    if into is None:
        return None
    if isinstance(part, int):
        elements = into.get("L", ())
        return elements[part] if part < len(elements) else None
    return into.get("M", {}).get(part)


def _bad_path() -> Exception:
    return invalid("The document path provided in the update expression is invalid for update")


__all__ = [
    "Scope",
    "at",
    "check_types",
    "check_update",
    "holds",
    "literal",
    "projected",
    "updated",
    "value_size",
]
