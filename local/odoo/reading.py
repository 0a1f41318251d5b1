"""Search and read records like Odoo's ORM."""

from collections.abc import Iterable
from typing import Any

from local.odoo import access
from local.odoo import domain as domains
from local.odoo import fields as columns
from local.odoo.environment import REGISTRY
from local.odoo.errors import PythonError, UserError
from local.odoo.records import LOG_FIELDS, Records, api_model, api_records
from local.odoo.state import INDEXED, Record


class Readable(Records):
    """Records that can be searched and read."""

    def related(self, inverse: str, record_id: int) -> list[int]:
        """Return the ids of the records whose many2one `inverse` is that record."""
        ids = self.env.state.matching(self.name, inverse, record_id)
        return self._sorted(ids, self.order)

    @api_model
    def search(self, domain: Any, offset: int = 0, limit: int | None = None, order: str | None = None) -> list[int]:
        """Return the ids the domain holds for, that record rules let the caller see."""
        self.check("read")
        domains.check(domain, self._known)
        archived = self._archived_too(domain)
        found = [i for i in self._candidates(domain) if self._visible(i)]
        found = [i for i in found if archived or self.record(i)["active"]]
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
        """Return ids that include every one the domain can hold for: few, where an index tells."""
        if not any(term in ("|", "!") for term in domain):
            for term in domain:
                if isinstance(term, (list, tuple)) and term[1] in ("=", "in"):
                    found = self._indexed(term[0], term[2] if term[1] == "in" else [term[2]])
                    if found is not None:
                        return found
        return list(self.env.state.table(self.name))

    def _indexed(self, name: Any, requested: Any) -> list[int] | None:
        if not isinstance(requested, (list, tuple)) or not all(
            isinstance(i, (int, str)) and not isinstance(i, bool) for i in requested
        ):
            return None
        if name == "id":
            return [i for i in set(requested) if self.env.state.get(self.name, i)]
        if (self.name, name) not in INDEXED or (
            self.fields[name].kind == "many2one" and not all(isinstance(i, int) for i in requested)
        ):
            return None
        return [i for value in set(requested) for i in self.env.state.matching(self.name, name, value)]

    def _archived_too(self, domain: Any) -> bool:
        """Return whether archived records count: not unless the domain or the context asks for them."""
        if "active" not in self.fields or self.env.context.get("active_test") is False:
            return True
        return any(isinstance(term, (list, tuple)) and term[0] == "active" for term in domain)

    def _visible(self, record_id: int) -> bool:
        if self.env.superuser or not access.restricted(self.env.groups, self.name):
            return True
        return self._own(record_id)

    def _known(self, path: str, condition: tuple[Any, ...]) -> None:
        model: type[Readable] | None = type(self)
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
    def read(self, ids: list[int], fields: list[str] | None = None, load: str | None = "_classic_read") -> list[Record]:
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
    def get_metadata(self, ids: list[int]) -> list[Record]:
        """Return who made and changed each record, and its external ids: those may be known by any reader."""
        logged = ["create_uid", "create_date", "write_uid", "write_date"]
        return [{**row, **self._external_ids(row["id"])} for row in self.read(ids, logged)]

    def _external_ids(self, record_id: int) -> Record:
        state = self.env.state
        found = [state.get("ir.model.data", i) or {} for i in state.matching("ir.model.data", "res_id", record_id)]
        named = [
            {"xmlid": f"{one['module']}.{one['name']}", "noupdate": bool(one["noupdate"])}
            for one in sorted(found, key=lambda one: -one["id"])
            if one["model"] == self.name
        ]
        first = named[-1] if named else {"xmlid": False, "noupdate": False}
        return {**first, "xmlids": named}

    @api_records
    def exists(self, ids: list[int]) -> list[int]:
        """Return those of `ids` that are there."""
        return [i for i in ids if self.env.state.get(self.name, i)]

    @api_model
    def fields_get(self, allfields: list[str] | None = None, attributes: list[str] | None = None) -> dict[str, Any]:
        """Return what each field is: its type, label, relation, selection, digits."""
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
            digits = self.digits(name)
            if digits is not None:
                about["digits"] = [16, digits]
            result[name] = {k: v for k, v in about.items() if not attributes or k in attributes}
        return result

    def digits(self, name: str) -> int | None:
        """Return the number of decimals a float field is rounded to; None where it is not rounded."""
        field, state = self.fields[name], self.env.state
        settled = state.setting("digits", {}).get(f"{self.name}.{name}")
        if settled is not None:
            return int(settled)
        latest = state.setting("series") == "19.0"
        precision = field.digits if latest else field.digits_before or field.digits
        for record in state.table("decimal.precision").values() if precision else ():
            if record["name"] == precision:
                return int(record["digits"])
        return None
