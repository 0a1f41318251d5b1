"""Expressions once parsed: what conditions and updates are made of, native and PartiQL alike."""

from dataclasses import dataclass
from typing import Any

Part = str | int


@dataclass(frozen=True, slots=True)
class Path:
    """A document path; a part may still be a placeholder, `#name`."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value given beside the expression: `:name`, or `?0` of PartiQL."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written into a PartiQL statement; `parts` of it may be placeholders."""

    kind: str
    content: Any


@dataclass(frozen=True, slots=True)
class Function:
    """A function of operands: of a condition (`size`, `contains`) or of an update (`list_append`)."""

    name: str
    arguments: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum or a difference."""

    operator: str
    left: "Operand"
    right: "Operand"


Operand = Path | Placeholder | Literal | Function | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """`operand BETWEEN low AND high`, both ends included."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    """`operand IN (choices)`."""

    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A function that is true or false by itself: `attribute_exists`, `begins_with`, `contains`…"""

    name: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """`left AND right`."""

    left: "Condition"
    right: "Condition"


@dataclass(frozen=True, slots=True)
class Either:
    """`left OR right`."""

    left: "Condition"
    right: "Condition"


@dataclass(frozen=True, slots=True)
class Not:
    """`NOT condition`."""

    condition: "Condition"


Condition = Comparison | Between | In | Predicate | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Update:
    """An update: what is set, removed, added and deleted."""

    sets: tuple[tuple[Path, Operand], ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[tuple[Path, Operand], ...] = ()
    deletes: tuple[tuple[Path, Operand], ...] = ()

    def paths(self) -> list[Path]:
        """Return every path that is changed."""
        pairs = (*self.sets, *self.adds, *self.deletes)
        return [path for path, _ in pairs] + list(self.removes)
