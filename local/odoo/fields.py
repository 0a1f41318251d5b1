"""Fields: what a model's columns are, and how a value from outside becomes a stored one.

Stored values: text, int, bool, `Decimal` (floats), `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS.ffffff`
(UTC), an id or None (many2one), a list of ids (many2many). One2many fields are not stored.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

from local.odoo.errors import PythonError
from local.odoo.figures import ZERO, as_held, finite, rounded

DATETIME_FORMAT = "%Y-%m-%d %H:%M:%S"
TO_MANY = ("one2many", "many2many")


class Command(IntEnum):
    """The first item of a command on a x2many field."""

    CREATE = 0
    UPDATE = 1
    DELETE = 2
    UNLINK = 3
    LINK = 4
    CLEAR = 5
    SET = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of a model.

    `digits` names the `decimal.precision` record a float is rounded to, `digits_before` the one in
    Odoo 17 and 18 where that differs; `inverse` is the many2one
    on the other side of a one2many; `computed` values come from the model's `_compute_<name>`.
    """

    kind: str
    string: str
    relation: str | None = None
    inverse: str | None = None
    selection: tuple[tuple[str, str], ...] = ()
    digits: str | None = None
    digits_before: str | None = None
    required: bool = False
    computed: bool = False
    hidden: bool = False

    @property
    def stored(self) -> bool:
        """Return whether the value is stored with the record."""
        return not self.computed and self.kind != "one2many"

    def empty(self) -> Any:
        """Return what a record holds where nothing was given."""
        if self.kind in ("float", "monetary"):
            return ZERO
        if self.kind == "integer":
            return 0
        if self.kind == "boolean":
            return False
        return [] if self.kind in TO_MANY else None


Converter = Callable[[Field, str, Any, int | None], Any]


def stored(field: Field, label: str, value: Any, digits: int | None) -> Any:
    """Return `value` as `field` keeps it; `label` is `model.field`, for Odoo's complaints."""
    if value is None or value is False:
        return field.empty()
    convert: Converter = _CONVERTERS.get(field.kind, _text)
    return convert(field, label, value, digits)


def _float(_field: Field, _label: str, value: Any, digits: int | None) -> Decimal:
    if isinstance(value, str):
        if digits is not None:
            raise PythonError(TypeError, "can't multiply sequence by non-int of type 'float'")
        try:
            return finite(as_held(Decimal(repr(float(value)))))
        except ValueError as error:
            raise PythonError(ValueError, str(error)) from None
    if not isinstance(value, (int, Decimal)):
        raise PythonError(
            TypeError, f"float() argument must be a string or a real number, not '{type(value).__name__}'"
        )
    if digits is None:
        return finite(value) if isinstance(value, Decimal) else as_held(value)
    return rounded(Decimal(value), digits)


def _integer(_field: Field, _label: str, value: Any, _digits: int | None) -> int:
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise PythonError(type(error), str(error)) from None


def _boolean(_field: Field, _label: str, value: Any, _digits: int | None) -> bool:
    return bool(value)


def _text(_field: Field, _label: str, value: Any, _digits: int | None) -> str:
    return str(value)


def _selection(field: Field, label: str, value: Any, _digits: int | None) -> str:
    if value not in dict(field.selection):
        raise PythonError(ValueError, f"Wrong value for {label}: {value!r}")
    return str(value)


def _date(_field: Field, _label: str, value: Any, _digits: int | None) -> str:
    text = str(value)[:10]
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise PythonError(ValueError, f"time data {text!r} does not match format '%Y-%m-%d'") from None


def _datetime(_field: Field, _label: str, value: Any, _digits: int | None) -> str:
    text = str(value)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None).strftime(f"{DATETIME_FORMAT}.%f")
    except ValueError:
        raise PythonError(ValueError, f"time data {text!r} does not match format '{DATETIME_FORMAT}'") from None


def _many2one(_field: Field, label: str, value: Any, _digits: int | None) -> int:
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int):
        raise PythonError(ValueError, f"Wrong value for {label}: {value!r}")
    return value


def _many2many(_field: Field, label: str, value: Any, _digits: int | None) -> list[int]:
    ids: list[int] = []
    for command in value:
        if isinstance(command, int):
            ids.append(command)
        elif command[0] == Command.SET:
            ids = list(command[2])
        elif command[0] == Command.LINK:
            ids.append(command[1])
        elif command[0] == Command.CLEAR:
            ids = []
        else:
            raise PythonError(ValueError, f"Wrong value for {label}: {value!r}")
    return ids


def _json(_field: Field, label: str, value: Any, _digits: int | None) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise PythonError(ValueError, f"Wrong value for {label}: {value!r}") from None


_CONVERTERS: dict[str, Converter] = {
    "json": _json,
    "float": _float,
    "monetary": _float,
    "integer": _integer,
    "boolean": _boolean,
    "selection": _selection,
    "date": _date,
    "datetime": _datetime,
    "many2one": _many2one,
    "many2many": _many2many,
}


def shown(field: Field, value: Any) -> Any:
    """Return a stored value as `read` returns it; a many2one's name is added by the model."""
    if value is None:
        return False
    if field.kind == "datetime":
        return value[:19]
    return value


def char(string: str, *, required: bool = False, computed: bool = False, hidden: bool = False) -> Field:
    """Return a text field."""
    return Field(kind="char", string=string, required=required, computed=computed, hidden=hidden)


def boolean(string: str, *, computed: bool = False) -> Field:
    """Return a true-or-false field."""
    return Field(kind="boolean", string=string, computed=computed)


def integer(string: str, *, hidden: bool = False) -> Field:
    """Return a whole-number field."""
    return Field(kind="integer", string=string, hidden=hidden)


def floating(
    string: str, *, digits: str | None = None, digits_before: str | None = None, computed: bool = False
) -> Field:
    """Return a float field, rounded to the `decimal.precision` named `digits` where given."""
    return Field(kind="float", string=string, digits=digits, digits_before=digits_before, computed=computed)


def monetary(string: str) -> Field:
    """Return a computed amount in the record's currency."""
    return Field(kind="monetary", string=string, computed=True)


def day(string: str) -> Field:
    """Return a date field."""
    return Field(kind="date", string=string)


def moment(string: str) -> Field:
    """Return a date-and-time field (UTC)."""
    return Field(kind="datetime", string=string)


def many2one(string: str, relation: str, *, required: bool = False, computed: bool = False) -> Field:
    """Return a reference to one record of `relation`."""
    return Field(kind="many2one", string=string, relation=relation, required=required, computed=computed)


def many2many(string: str, relation: str, *, computed: bool = False) -> Field:
    """Return a list of references, stored unless it is computed."""
    return Field(kind="many2many", string=string, relation=relation, computed=computed)


def json_object(string: str) -> Field:
    """Return a field that holds a JSON object, such as an analytic distribution."""
    return Field(kind="json", string=string)


def one2many(string: str, relation: str, inverse: str) -> Field:
    """Return the records of `relation` whose `inverse` is this record."""
    return Field(kind="one2many", string=string, relation=relation, inverse=inverse)


def selection(string: str, *options: tuple[str, str], computed: bool = False) -> Field:
    """Return a field that is one of `options` (value, label)."""
    return Field(kind="selection", string=string, selection=options, computed=computed)
