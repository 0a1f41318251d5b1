"""What every model can do: reading and searching, and here creating, changing and removing."""

from typing import Any

from local.odoo import fields as columns
from local.odoo.environment import REGISTRY
from local.odoo.errors import DatabaseError, MissingError, PythonError
from local.odoo.fields import Command, Field
from local.odoo.reading import Readable
from local.odoo.records import LOG_FIELDS, api_model, api_records
from local.odoo.state import Record

__all__ = ["Model", "api_model", "api_records"]


class Model(Readable):
    """One model of the database, bound to an environment."""

    def __init_subclass__(cls) -> None:
        """Enter the model under its name."""
        cls.fields = {**LOG_FIELDS, **cls.columns}
        REGISTRY[cls.name] = cls

    @api_model
    def default_get(self, fields: list[str]) -> Record:
        """Return the defaults of a new record, for the named fields."""
        return {k: v for k, v in self._defaults({}).items() if k in fields and v is not None}

    @api_model
    def create(self, vals_list: Any) -> list[int]:
        """Make one record for each dict of `vals_list` (or for one dict alone): all, or none."""
        requested = [vals_list] if isinstance(vals_list, dict) else list(vals_list)
        self.check("create")
        prepared = [self._prepare(dict(values)) for values in requested]
        ids = []
        for values in prepared:
            record_id = self.env.state.next_id(self.name)
            self._insert(record_id, values)
            ids.append(record_id)
        for record_id, values in zip(ids, requested, strict=True):
            self._run_commands(record_id, values)
        self.check("create", ids)
        self._created(ids)
        return ids

    def insert(self, values: Record) -> int:
        """Make one record under the `id` given (the next one, where none is), hidden fields too."""
        requested = dict(values)
        record_id = requested.pop("id", None)
        hidden = {n: v for n, v in requested.items() if n in self.fields and self.fields[n].hidden}
        prepared = self._prepare({n: v for n, v in requested.items() if n not in hidden})
        if record_id is None:
            record_id = self.env.state.next_id(self.name)
        else:
            self.env.state.reserve(self.name, record_id)
        self._insert(record_id, {**prepared, **hidden})
        self._run_commands(record_id, requested)
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

    def _converted(self, values: Record) -> Record:
        result: Record = {}
        for name, value in values.items():
            field = self.fields[name]
            if not field.stored or name in LOG_FIELDS:
                continue
            label = f"{self.name}.{name}"
            result[name] = columns.stored(field, label, value, self.digits(name))
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
            remaining = command[2] if code == Command.SET else []
            lines.unlink([i for i in lines.related(inverse, record_id) if i not in remaining])

    @api_model
    def load(self, fields: list[str], data: list[list[Any]]) -> dict[str, Any]:
        """Import rows under external ids; see `local.odoo.load`."""
        from local.odoo.load import load  # noqa: PLC0415 - the importer needs models, models offer it

        return load(self, fields, data)
