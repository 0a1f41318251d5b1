"""Conditions of the relay's writes of a line: as an expression where it is on its rating's item, else in Python."""

from collections.abc import Callable
from dataclasses import dataclass

from fusion_billing.dynamodb.attributes import ItemView, optional_integer, optional_string
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a write.

    Attributes:
        expression: The condition on a rating's item.
        holds: The same of a line among those of its period, whose rating is not frozen.
    """

    expression: str
    holds: Callable[[ItemView, StoredLine], bool]


def _is_this(line: ItemView, read: StoredLine) -> bool:
    """Return whether the line knows no newer version than the one that was read."""
    return (optional_integer(line, "line_rated") or 0) <= read.version


def _is_due(line: ItemView, read: StoredLine) -> bool:
    return _is_this(line, read) and optional_string(line, "line_state") == "due"


def _is_not_newer_there(line: ItemView, read: StoredLine) -> bool:
    return (optional_integer(line, "line_version") or 0) <= read.version


def _never(_: ItemView, __: StoredLine) -> bool:
    return False


_THIS = "version = :version AND attribute_not_exists(frozen)"

STILL_THIS = Condition(_THIS, _is_this)
"""The rating has no newer version, and its period is not invoiced."""
STILL_DUE = Condition(f"{_THIS} AND line_state = :due", _is_due)
NOT_NEWER_THERE = Condition("(attribute_not_exists(line_version) OR line_version <= :version)", _is_not_newer_there)
"""Odoo acknowledged no newer version."""
FROZEN = Condition("attribute_exists(frozen)", _never)


def on_rating(expression: str) -> Condition:
    """Return a condition of a line that is on its rating's item."""
    return Condition(expression, _never)


def has_no_other_intent(line: ItemView, read: StoredLine) -> bool:
    """Return whether no other run is at work on the line."""
    intent = optional_string(line, "line_intent")
    return intent is None or (read.intent is not None and intent == read.intent.text())
