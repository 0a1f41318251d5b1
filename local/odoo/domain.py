"""Search domains: `[["order_id", "=", 2], "|", …]` as a condition over one record."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from local.odoo.errors import PythonError

Lookup = Callable[[int, str, tuple[Any, ...]], Any]
"""(record id, dotted path, the condition for messages) -> value: an id, a list of ids, or a scalar."""
Named = Callable[[int, str], str]
"""(record id, dotted path) -> the display name of the record the path leads to."""

COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=", "in", "not in")
PATTERNS = ("like", "not like", "ilike", "not ilike", "=like", "=ilike")
OPERATORS = frozenset(COMPARISONS + PATTERNS)
CONDITION_LENGTH = 3
NEGATED = {"!=": "=", "<>": "=", "not in": "in", "not like": "like", "not ilike": "ilike"}


def evaluate(domain: Any, record_id: int, lookup: Lookup, named: Named) -> bool:
    """Return whether a record satisfies a domain in prefix notation; terms stand side by side for `&`."""
    stack: list[bool] = []
    for term in reversed(list(domain or ())):
        if term == "!":
            stack.append(not stack.pop())
        elif term in ("&", "|"):
            left, right = stack.pop(), stack.pop()
            stack.append((left and right) if term == "&" else (left or right))
        else:
            stack.append(_condition(term, record_id, lookup, named))
    return all(stack)


def check(domain: Any, known: Callable[[str, tuple[Any, ...]], None]) -> None:
    """Raise what Odoo raises for a malformed domain; `known(path, condition)` checks each field."""
    if not isinstance(domain, (list, tuple)):
        raise PythonError(ValueError, f"Domain() invalid item in domain: {domain!r}")
    for term in domain:
        if term in ("&", "|", "!"):
            continue
        if not isinstance(term, (list, tuple)) or len(term) != CONDITION_LENGTH:
            raise PythonError(ValueError, f"Domain() invalid item in domain: {term!r}")
        condition = tuple(term)
        if condition[0] in (0, 1) and condition[1] == "=":
            continue
        if condition[1] not in OPERATORS:
            raise PythonError(ValueError, f"Invalid operator {condition[1]!r} in condition {condition}")
        known(str(condition[0]), condition)


def _condition(term: Sequence[Any], record_id: int, lookup: Lookup, named: Named) -> bool:
    path, operator, expected = term
    if path in (0, 1):
        return bool(path == expected)
    value = lookup(record_id, path, tuple(term))
    holds = _holds(value, NEGATED.get(operator, operator), expected, lambda: named(record_id, path))
    return not holds if operator in NEGATED else holds


def _holds(value: Any, operator: str, expected: Any, name: Callable[[], str]) -> bool:
    if operator in ("=", "in"):
        candidates = expected if isinstance(expected, (list, tuple)) else [expected]
        return any(_equal(value, candidate, name) for candidate in candidates)
    if "like" in operator:
        return _like(name() if isinstance(value, int) else value, operator, str(expected))
    if value is None or value == []:
        return False
    left, right = _comparable(value, expected)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])


def _equal(value: Any, expected: Any, name: Callable[[], str]) -> bool:
    if expected is False or expected is None:
        return value is None or value is False or value == []
    if isinstance(value, list):
        return expected in value
    if isinstance(value, bool) or isinstance(expected, bool):
        return bool(value) == bool(expected)
    if isinstance(value, int) and isinstance(expected, str):
        return name() == expected
    if value is None:
        return False
    left, right = _comparable(value, expected)
    return bool(left == right)


def _comparable(value: Any, expected: Any) -> tuple[Any, Any]:
    if isinstance(value, str):
        text = str(expected)
        if re.match(r"\d{4}-\d\d-\d\dT", text):
            text = text.replace("T", " ")
        return value, text
    if isinstance(value, (int, Decimal)) and isinstance(expected, (int, Decimal)):
        return value, expected
    raise PythonError(ValueError, f"could not compare {value!r} with {expected!r}")


def _like(text: Any, operator: str, expected: str) -> bool:
    if text in (None, False):
        return False
    pattern = re.escape(expected).replace("%", ".*").replace("_", ".")
    if not operator.startswith("="):
        pattern = f".*{pattern}.*"
    flags = re.DOTALL | (re.IGNORECASE if "ilike" in operator else 0)
    return re.fullmatch(pattern, str(text), flags) is not None
