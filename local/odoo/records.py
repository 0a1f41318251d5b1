"""What reading and changing records have in common: rights, values, what may be called from outside.

Only methods marked `api_model` (they take no ids) or `api_records` (a list of ids comes first) can
be called from outside.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from local.odoo import access
from local.odoo import fields as columns
from local.odoo.environment import Environment
from local.odoo.errors import AccessError, MissingError
from local.odoo.fields import Field
from local.odoo.state import Record

Function = TypeVar("Function", bound=Callable[..., Any])


def api_model(function: Function) -> Function:
    """Mark a method that works on the model as a whole: calling it with ids is refused."""
    function.api = "model"  # type: ignore[attr-defined]
    return function


def api_records(function: Function) -> Function:
    """Mark a method that works on records: its first argument is their ids."""
    function.api = "records"  # type: ignore[attr-defined]
    return function


LOG_FIELDS: dict[str, Field] = {
    "id": columns.integer("ID"),
    "display_name": columns.char("Display Name", computed=True),
    "create_date": columns.moment("Created on"),
    "create_uid": columns.many2one("Created by", "res.users"),
    "write_date": columns.moment("Last Updated on"),
    "write_uid": columns.many2one("Last Updated by", "res.users"),
}


class Records:
    """The records of one model, bound to an environment."""

    name: ClassVar[str]
    description: ClassVar[str]
    order: ClassVar[str] = "id"
    rec_name: ClassVar[str] = "name"
    columns: ClassVar[dict[str, Field]] = {}
    fields: ClassVar[dict[str, Field]]

    def __init__(self, env: Environment) -> None:
        self.env = env

    # rights

    def check(self, operation: str, ids: Iterable[int] = ()) -> None:
        """Raise unless the caller may do `operation` on the model and on each of `ids` that exists."""
        if self.env.superuser:
            return
        closed = self.name in self.env.state.setting("closed_models", ())
        access.check(frozenset() if closed else self.env.groups, self.name, self.description, operation)
        if access.restricted(self.env.groups, self.name):
            for record_id in ids:
                if self.env.state.get(self.name, record_id) and not self._own(record_id):
                    raise access.rule_error(self.env.user_name, self.env.uid, self.name, self.description, operation)

    def _own(self, record_id: int) -> bool:
        return access.own(self.value(record_id, "user_id"), self.env.uid)

    @api_records
    def has_access(self, ids: list[int], operation: str) -> bool:
        """Return whether the caller may do `operation` on the model, or on these records."""
        try:
            self.check(operation, ids)
        except AccessError:
            return False
        return True

    @api_records
    def check_access(self, ids: list[int], operation: str) -> None:
        """Raise `AccessError` where `has_access` is false."""
        self.check(operation, ids)

    @api_model
    def check_access_rights(self, operation: str, raise_exception: bool = True) -> bool:  # noqa: FBT001, FBT002
        """Return whether the model's access rights permit `operation` (Odoo 17 and 18)."""
        if raise_exception:
            self.check(operation)
        try:
            self.check(operation)
        except AccessError:
            return False
        return True

    # values

    def record(self, record_id: int) -> Record:
        """Return one record's stored values."""
        found = self.env.state.get(self.name, record_id)
        if found is None:
            raise MissingError.of(self.name, [record_id], self.env.uid)
        return found

    def value(self, record_id: int, name: str) -> Any:
        """Return one field of one record: stored, computed, or the ids of a one2many."""
        field = self.fields[name]
        if field.kind == "one2many" and field.relation and field.inverse:
            return self.env[field.relation].related(field.inverse, record_id)
        if field.computed:
            return getattr(self, f"_compute_{name}")(self.record(record_id))
        if name == "id":
            return record_id
        return self.record(record_id).get(name)

    def _compute_display_name(self, record: Record) -> str:
        return str(record.get(self.rec_name) or f"{self.name},{record['id']}")

    def display_name(self, record_id: int) -> str:
        """Return the name a many2one shows."""
        return str(self.value(record_id, "display_name"))
