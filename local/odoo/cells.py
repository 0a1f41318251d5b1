"""The cells of an imported row: text from outside becomes values of fields, or messages.

An empty cell (also a zero that is a number, not text) empties its field, as in Odoo.
"""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from local.odoo.fields import Field
from local.odoo.figures import as_held, parse_float
from local.odoo.orm import Model
from local.odoo.state import Record

DEFAULT_MODULE = "__import__"
REFERENCES = ("id", ".id")


@dataclass(slots=True)
class Row:
    """One row of the import: its external id (`module.name`), its values, where it stands."""

    position: int
    external: str | None
    values: Record
    record_id: int | None = None

    def message(self, **content: Any) -> dict[str, Any]:
        """Return a message about this row."""
        where = {"rows": {"from": self.position, "to": self.position}, "record": self.position}
        return {**where, "type": "error", **content}


@dataclass(slots=True)
class Import:
    """One call of `load`: what it found so far."""

    model: Model
    messages: list[dict[str, Any]] = dataclass_field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Return whether any message is an error."""
        return any(message["type"] == "error" for message in self.messages)


def find_external(model: Model, external: str) -> Record | None:
    """Return the `ir.model.data` record of an external id (`module.name`), or None."""
    module, _, name = external.partition(".")
    for record_id in model.env.state.matching("ir.model.data", "name", name):
        found = model.env.state.get("ir.model.data", record_id)
        if found and found["module"] == module:
            return found
    return None


def converted(run: Import, position: int, paths: list[list[str]], values: list[Any]) -> Row:
    """Read one row; what can't be read becomes a message, and its column is left out."""
    row = Row(position, None, {})
    for path, value in zip(paths, values, strict=False):
        name = path[0]
        if name == "id":
            if value:
                row.external = str(value) if "." in str(value) else f"{DEFAULT_MODULE}.{value}"
            continue
        if name == ".id":
            if value:
                _database_id(run, row, value)
            continue
        if not value:
            row.values[name] = False
            continue
        field = run.model.fields[name]
        try:
            row.values[name] = _cell(run.model, field, path[1:], value)
        except _Unreadable as unreadable:
            label = f"{unreadable.text} '{field.string}'"
            details: dict[str, Any] = {"field": name, "message": label, **unreadable.details}
            run.messages.append(row.message(**details, field_name=field.string))
    return row


def _database_id(run: Import, row: Row, value: Any) -> None:
    found = int(value) if str(value).isdecimal() else None
    if found is None:
        run.messages.append(row.message(field=".id", message=f"Invalid database identifier '{value}'"))
    elif run.model.env.state.get(run.model.name, found):
        row.values["id"] = found
    else:
        run.messages.append(row.message(field=".id", message=f"Unknown database identifier '{value}'"))


class _Unreadable(Exception):
    """A cell that can't be converted; `text` ends before the field's label."""

    def __init__(self, text: str, **details: Any) -> None:
        super().__init__(text)
        self.text = text
        self.details = details


def _cell(model: Model, field: Field, subfield: list[str], value: Any) -> Any:
    if field.kind == "many2one":
        return _reference(model, field, subfield[0] if subfield else None, value)
    if field.kind in _READERS:
        return _READERS[field.kind](field, value)
    return value


def _float(_field: Field, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return as_held(parse_float(value.strip()))
    except ValueError:
        raise _Unreadable(f"'{value}' does not seem to be a number for field") from None


def _integer(_field: Field, value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise _Unreadable(f"'{value}' does not seem to be an integer for field") from None


def _boolean(_field: Field, value: Any) -> bool:
    return str(value).lower() not in ("0", "false", "no", "n", "f")


def _selection(field: Field, value: Any) -> str:
    for option, label in field.selection:
        if value in (option, label):
            return option
    raise _Unreadable(f"Value '{value}' not found in selection field")


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "float": _float,
    "monetary": _float,
    "integer": _integer,
    "boolean": _boolean,
    "selection": _selection,
}


def _reference(model: Model, field: Field, subfield: str | None, value: Any) -> int:
    relation = model.env[str(field.relation)]
    found: int | None = None
    if subfield == ".id":
        kind = "database id"
        found = int(value) if str(value).isdecimal() else None
        found = found if found and model.env.state.get(relation.name, found) else None
    elif subfield == "id":
        kind = "external id"
        external = find_external(model, value if "." in value else f"{DEFAULT_MODULE}.{value}")
        found = external["res_id"] if external and external["model"] == relation.name else None
    else:
        kind = "name"
        matches = relation.name_search(str(value), operator="=", limit=2)
        found = matches[0][0] if matches else None
    if found is None:
        raise _Unreadable(
            f"No matching record found for {kind} '{value}' in field",
            moreinfo=_possible_values(relation.name, subfield),
        )
    return found


def _possible_values(relation: str, subfield: str | None) -> dict[str, Any]:
    action: dict[str, Any] = {
        "name": "Possible Values",
        "type": "ir.actions.act_window",
        "target": "new",
        "view_mode": "list,form",
        "views": [[False, "list"], [False, "form"]],
        "context": {"create": False},
        "help": "See all possible values",
    }
    if subfield is None:
        return {**action, "res_model": relation}
    return {**action, "res_model": "ir.model.data", "domain": [["model", "=", relation]]}
