"""Update expressions, clause by clause.

::

    update = UpdateExpression().set("q").set("seq", when=has_sequence).remove("voided")
    str(update)  # "SET q = :q, seq = :seq REMOVE voided"

An attribute's value is the placeholder of its name. Names that DynamoDB reserves are written as `#name`.
"""

from collections.abc import Iterable
from typing import Self

from fusion_billing.dynamodb.attributes import Item, ItemView


class UpdateExpression:
    """Builds an update expression; each method returns the expression itself."""

    def __init__(self) -> None:
        self._sets: list[str] = []
        self._removes: list[str] = []
        self._adds: list[str] = []

    def set(self, attribute: str, value: str | None = None, *, when: bool = True) -> Self:
        """Set an attribute to `value` (None: to the placeholder of its name)."""
        if when:
            self._sets.append(f"{attribute} = {value or placeholder(attribute)}")
        return self

    def set_all(self, attributes: Iterable[str]) -> Self:
        """Set attributes to the placeholders of their names."""
        for attribute in attributes:
            self.set(attribute)
        return self

    def remove(self, *attributes: str, when: bool = True) -> Self:
        """Remove attributes."""
        if when:
            self._removes += attributes
        return self

    def add(self, attribute: str, *, when: bool = True) -> Self:
        """Add the placeholder of an attribute's name to it: to a number, or to a set."""
        if when:
            self._adds.append(f"{attribute} {placeholder(attribute)}")
        return self

    def __str__(self) -> str:
        """Return the expression."""
        clauses = (
            ("SET ", self._sets),
            ("REMOVE ", self._removes),
            ("ADD ", self._adds),
        )
        return " ".join(clause + ", ".join(parts) for clause, parts in clauses if parts)


def placeholder(attribute: str) -> str:
    """Return the placeholder of an attribute's value."""
    return f":{attribute.lstrip('#')}"


def placeholders(values: ItemView) -> Item:
    """Return values by the placeholders of their attributes."""
    return {placeholder(attribute): value for attribute, value in values.items()}
