"""What every model can do: search, read, create, write, unlink, as Odoo's ORM answers them.

Only methods marked `api_model` (they take no ids) or `api_records` (a list of ids comes first) can
be called from outside.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from local.odoo import access
from local.odoo import domain as domains
from local.odoo import fields as columns
from local.odoo.environment import REGISTRY, Environment
from local.odoo.errors import AccessError, DatabaseError, MissingError, PythonError, UserError
from local.odoo.fields import Command, Field
from local.odoo.state import Record

Function = TypeVar("Function", bound=Callable[..., Any])

LOG_FIELDS: dict[str, Field] = {
    "id": columns.integer("ID"),
    "display_name": columns.char("Display Name", computed=True),
    "create_date": columns.moment("Created on"),
    "create_uid": columns.many2one("Created by", "res.users"),
    "write_date": columns.moment("Last Updated on"),
    "write_uid": columns.many2one("Last Updated by", "res.users"),
}


def api_model(function: Function) -> Function:
    """Mark a method that works on the model as a whole: calling it with ids is refused."""
    function.api = "model"  # type: ignore[attr-defined]
    return function


def api_records(function: Function) -> Function:
    """Mark a method that works on records: its first argument is their ids."""
    function.api = "records"  # type: ignore[attr-defined]
    return function


class Model:
    """One model of the database, bound to an environment."""

    name: ClassVar[str]
    description: ClassVar[str]
    order: ClassVar[str] = "id"
    rec_name: ClassVar[str] = "name"
    columns: ClassVar[dict[str, Field]] = {}
    fields: ClassVar[dict[str, Field]]

    def __init_subclass__(cls) -> None:
        """Enter the model under its name."""
        cls.fields = {**LOG_FIELDS, **cls.columns}
        REGISTRY[cls.name] = cls

    def __init__(self, env: Environment) -> None:
        self.env = env

    # rights

    def check(self, operation: str, ids: Iterable[int] = ()) -> None:
        """Raise unless the caller may do `operation` on the model and on each of `ids` that exists."""
        if self.env.superuser:
            return
        access.check(self.env.groups, self.name, self.description, operation)
        if access.restricted(self.env.groups, self.name):
            for record_id in ids:
                if self.env.state.get(self.name, record_id) and not self._own(record_id):
                    raise access.rule_error(
                        self.env.user_name, self.env.uid, self.name, self.description, operation
                    )

    def _own(self, record_id: int) -> bool:
        return access.own(self.value(record_id, "user_id"), self.env.uid)

    @api_records
    def has_access(self, ids: list[int], operation: str) -> bool:
        """Say whether the caller may do `operation` on the model, or on these records."""
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
        """Say whether the model's access rights permit `operation` (Odoo 17 and 18)."""
        if raise_exception:
            self.check(operation)
        return self.env.superuser or access.permitted(self.env.groups, self.name, operation)

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

    def related(self, inverse: str, record_id: int) -> list[int]:
        """Return the ids of the records whose many2one `inverse` is that record."""
        ids = self.env.state.matching(self.name, inverse, record_id)
        return self._sorted(ids, self.order)

    def _compute_display_name(self, record: Record) -> str:
        return str(record.get(self.rec_name) or f"{self.name},{record['id']}")

    def display_name(self, record_id: int) -> str:
        """Return the name a many2one shows."""
        return str(self.value(record_id, "display_name"))

    # searching

    @api_model
    def search(
        self, domain: Any, offset: int = 0, limit: int | None = None, order: str | None = None
    ) -> list[int]:
        """Return the ids the domain holds for, that record rules let the caller see."""
        self.check("read")
        domains.check(domain, self._known)
        found = [record_id for record_id in self._candidates(domain) if self._visible(record_id)]
        found = [i for i in found if domains.evaluate(domain, i, self._lookup, self._named)]
        found = self._sorted(found, order or self.order)
        return found[offset or 0 :][: limit or None]

    @api_model
    def search_count(self, domain: Any, limit: int | None = None) -> int:
        """Return how many records `search` would find."""
        return len(self.search(domain, limit=limit))

    @api_model
    def search_read(
        self,
        domain: Any = None,
        fields: list[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
    ) -> list[Record]:
        """Return `read` of what `search` finds."""
        return self.read(self.search(domain or [], offset, limit, order), fields)

    @api_model
    def name_search(
        self, name: str = "", domain: Any = None, operator: str = "ilike", limit: int | None = 100
    ) -> list[list[Any]]:
        """Return `[id, display name]` of the records so named."""
        found = self.search([*(domain or []), ["display_name", operator, name]] if name else domain or [])
        return [[i, self.display_name(i)] for i in found[: limit or None]]

    def _candidates(self, domain: Any) -> Iterable[int]:
        """Return ids that include every one the domain can hold for; narrower where it is cheap."""
        del domain
        return list(self.env.state.table(self.name))

    def _visible(self, record_id: int) -> bool:
        if self.env.superuser or not access.restricted(self.env.groups, self.name):
            return True
        return self._own(record_id)

    def _known(self, path: str, condition: tuple[Any, ...]) -> None:
        model: type[Model] | None = type(self)
        for part in path.split("."):
            field = model.fields.get(part) if model else None
            if model is None or field is None or field.hidden:
                owner = model.name if model else self.name
                raise PythonError(ValueError, f"Invalid field {owner}.{part} in condition {condition}")
            model = REGISTRY.get(field.relation) if field.relation else None

    def _lookup(self, record_id: int, path: str, condition: tuple[Any, ...]) -> Any:
        first, _, rest = path.partition(".")
        value = self.value(record_id, first)
        if not rest:
            return value
        relation = self.env.sudo()[str(self.fields[first].relation)]
        if isinstance(value, list):
            return [relation._lookup(i, rest, condition) for i in value]  # noqa: SLF001
        return None if value is None else relation._lookup(value, rest, condition)  # noqa: SLF001

    def _named(self, record_id: int, path: str) -> str:
        first, _, rest = path.partition(".")
        value, relation = self.value(record_id, first), self.fields[first].relation
        if relation is None or not isinstance(value, int):
            return "" if value is None else str(value)
        target = self.env.sudo()[relation]
        return target._named(value, rest) if rest else target.display_name(value)  # noqa: SLF001

    def _sorted(self, ids: Iterable[int], order: str) -> list[int]:
        result = sorted(ids)
        for clause in reversed(order.split(",")):
            name, _, direction = clause.strip().partition(" ")
            if name not in self.fields:
                raise PythonError(ValueError, f"Invalid field {name!r} on {self.name!r}")
            if direction.strip().lower() not in ("", "asc", "desc"):
                raise UserError(f'Invalid "order" specified ({order}).')
            result.sort(key=lambda i, n=name: self._key(i, n), reverse=direction.strip().lower() == "desc")  # type: ignore[misc]
        return result

    def _key(self, record_id: int, name: str) -> tuple[bool, Any]:
        value = self.value(record_id, name)
        return (value is None, 0 if value is None else value)

    # reading

    @api_records
    def read(
        self, ids: list[int], fields: list[str] | None = None, load: str | None = "_classic_read"
    ) -> list[Record]:
        """Return the named fields (all by default) of the records that exist, in the order asked."""
        self.check("read")
        names = list(fields or (name for name, field in self.fields.items() if not field.hidden))
        for name in names:
            if name not in self.fields or self.fields[name].hidden:
                raise PythonError(ValueError, f"Invalid field {name!r} on {self.name!r}")
        present = [i for i in ids if self.env.state.get(self.name, i)]
        self.check("read", present)
        return [self._shown(i, names, named=load == "_classic_read") for i in present]

    def _shown(self, record_id: int, names: Iterable[str], *, named: bool) -> Record:
        row: Record = {"id": record_id}
        for name in names:
            field, value = self.fields[name], self.value(record_id, name)
            if field.kind == "many2one" and value is not None and named:
                row[name] = [value, self.env.sudo()[str(field.relation)].display_name(value)]
            else:
                row[name] = columns.shown(field, value)
        return row

    @api_records
    def exists(self, ids: list[int]) -> list[int]:
        """Return those of `ids` that are there."""
        return [i for i in ids if self.env.state.get(self.name, i)]

    @api_model
    def fields_get(
        self, allfields: list[str] | None = None, attributes: list[str] | None = None
    ) -> dict[str, Any]:
        """Return what each field is: its type, label, relation, selection."""
        self.check("read")
        result: dict[str, Any] = {}
        for name, field in self.fields.items():
            if field.hidden or (allfields and name not in allfields):
                continue
            about = {
                "name": name,
                "type": field.kind,
                "string": field.string,
                "required": field.required,
                "readonly": field.computed or name in LOG_FIELDS,
                "store": field.stored,
                "searchable": True,
                "sortable": field.stored,
            }
            if field.relation:
                about["relation"] = field.relation
            if field.inverse:
                about["relation_field"] = field.inverse
            if field.selection:
                about["selection"] = [list(option) for option in field.selection]
            if field.digits:
                about["digits"] = [16, self._digits(field)]
            result[name] = {k: v for k, v in about.items() if not attributes or k in attributes}
        return result

    @api_model
    def default_get(self, fields: list[str]) -> Record:
        """Return the defaults of a new record, for the named fields."""
        return {k: v for k, v in self._defaults({}).items() if k in fields and v is not None}

    # changing

    @api_model
    def create(self, vals_list: Any) -> list[int]:
        """Make one record for each dict of `vals_list` (or for one dict alone): all, or none."""
        wanted = [vals_list] if isinstance(vals_list, dict) else list(vals_list)
        self.check("create")
        prepared = [self._prepare(dict(values)) for values in wanted]
        ids = []
        for values in prepared:
            record_id = self.env.state.next_id(self.name)
            self._insert(record_id, values)
            ids.append(record_id)
        for record_id, values in zip(ids, wanted, strict=True):
            self._run_commands(record_id, values)
        self.check("create", ids)
        self._created(ids)
        return ids

    def insert(self, values: Record) -> int:
        """Make one record under the `id` given (the next one, where none is), hidden fields too."""
        wanted = dict(values)
        record_id = wanted.pop("id", None)
        hidden = {n: v for n, v in wanted.items() if n in self.fields and self.fields[n].hidden}
        prepared = self._prepare({n: v for n, v in wanted.items() if n not in hidden})
        if record_id is None:
            record_id = self.env.state.next_id(self.name)
        else:
            self.env.state.reserve(self.name, record_id)
        self._insert(record_id, {**prepared, **hidden})
        self._run_commands(record_id, wanted)
        return int(record_id)

    def _prepare(self, values: Record) -> Record:
        self._check_names(values)
        converted = self._converted(values)
        stored = {name: field.empty() for name, field in self.fields.items() if field.stored}
        stored.update(self._defaults(converted))
        stored.update(converted)
        return stored

    def _insert(self, record_id: int, values: Record) -> None:
        for name, field in self.fields.items():
            if field.required and field.stored and values.get(name) is None:
                raise DatabaseError("NotNullViolation", self._not_null(name, field), field=name)
        now, uid = self.env.timestamp(), self.env.uid
        logged = {"create_date": now, "write_date": now, "create_uid": uid, "write_uid": uid}
        self.env.state.put(self.name, record_id, {**values, **logged, "id": record_id})

    def _not_null(self, name: str, field: Field) -> str:
        return (
            f"Missing required value for the field '{field.string}' ({name}).\n"
            f"Model: '{self.description}' ({self.name})\n"
            "- create/update: a mandatory field is not set\n"
            "- delete: another model requires the record being deleted, you can archive it instead\n"
        )

    def _defaults(self, _values: Record) -> Record:
        """Return the values of a new record that those given leave open."""
        return {}

    def _created(self, ids: list[int]) -> None:
        """Do what follows the creation of records."""

    @api_records
    def write(self, ids: list[int], vals: Record) -> bool:
        """Change the records: all, or none."""
        self.check("read", ids)
        self._check_names(vals)
        missing = [i for i in ids if not self.env.state.get(self.name, i)]
        if missing:
            raise MissingError.of(self.name, missing, self.env.uid)
        self.check("write", ids)
        self._before_write(ids, vals)
        converted = self._converted(vals)
        for record_id in ids:
            self._store(record_id, converted)
            self._run_commands(record_id, vals)
        return True

    def _before_write(self, ids: list[int], vals: Record) -> None:
        """Refuse, or prepare for, a change."""

    def _store(self, record_id: int, values: Record) -> None:
        now = self.env.timestamp()
        for name, value in values.items():
            if self.fields[name].required and value is None:
                raise DatabaseError("NotNullViolation", self._not_null(name, self.fields[name]), field=name)
        self.env.state.update(self.name, record_id, {**values, "write_date": now, "write_uid": self.env.uid})

    @api_records
    def unlink(self, ids: list[int]) -> bool:
        """Remove the records and their external ids."""
        self.check("unlink", ids)
        missing = [i for i in ids if not self.env.state.get(self.name, i)]
        if missing:
            raise MissingError.of(self.name, missing, self.env.uid)
        self._before_unlink(ids)
        for record_id in ids:
            self.env.state.delete(self.name, record_id)
            for external in self.env.state.matching("ir.model.data", "res_id", record_id):
                if (self.env.state.get("ir.model.data", external) or {}).get("model") == self.name:
                    self.env.state.delete("ir.model.data", external)
        return True

    def _before_unlink(self, ids: list[int]) -> None:
        """Refuse, or prepare for, the removal of records."""

    def _check_names(self, values: Record) -> None:
        for name in values:
            if name not in self.fields or self.fields[name].hidden:
                raise PythonError(ValueError, f"Invalid field '{name}' in '{self.name}'")

    def _digits(self, field: Field) -> int | None:
        if field.digits is None:
            return None
        for record in self.env.state.table("decimal.precision").values():
            if record["name"] == field.digits:
                return int(record["digits"])
        return None

    def _converted(self, values: Record) -> Record:
        result: Record = {}
        for name, value in values.items():
            field = self.fields[name]
            if not field.stored or name in LOG_FIELDS:
                continue
            label = f"{self.name}.{name}"
            result[name] = columns.stored(field, label, value, self._digits(field))
            if field.kind == "many2one" and result[name] is not None:
                self._require(str(field.relation), result[name])
        return result

    def _require(self, model: str, record_id: int) -> None:
        if model in REGISTRY and not self.env.state.get(model, record_id):
            raise MissingError.of(model, [record_id], self.env.uid)

    def _run_commands(self, record_id: int, values: Record) -> None:
        """Carry out the commands of one2many fields, each `[code, id, value]`."""
        for name, commands in values.items():
            field = self.fields[name]
            if field.kind == "one2many" and field.relation and field.inverse:
                for command in commands or ():
                    self._run_command(self.env[field.relation], field.inverse, record_id, command)

    def _run_command(self, lines: "Model", inverse: str, record_id: int, command: list[Any]) -> None:
        code = command[0]
        if code == Command.CREATE:
            lines.create([{**command[2], inverse: record_id}])
        elif code == Command.UPDATE:
            lines.write([command[1]], command[2])
        elif code in (Command.DELETE, Command.UNLINK):
            lines.unlink([command[1]])
        elif code in (Command.CLEAR, Command.SET):
            kept = command[2] if code == Command.SET else []
            lines.unlink([i for i in lines.related(inverse, record_id) if i not in kept])

    @api_model
    def load(self, fields: list[str], data: list[list[Any]]) -> dict[str, Any]:
        """Import rows under external ids; see `local.odoo.load`."""
        from local.odoo.load import load  # noqa: PLC0415 - the importer needs models, models offer it

        return load(self, fields, data)
