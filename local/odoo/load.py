"""`load`: rows upserted under external ids, all or nothing, as Odoo's importer does it.

First all rows at once; where that fails, row by row to find out why; where any message is an
error, everything is undone and the answer is still a success with `ids: false`. Ids taken from
sequences on the way are spent. A failed first try that was a `UserError` leaves its message at the
head of the list under row 0, whichever row was to blame.
"""

from collections.abc import Iterable
from typing import Any

from local.odoo.cells import REFERENCES, Import, Row, converted, find_external
from local.odoo.errors import DatabaseError, OdooError, PythonError, UserError, ValidationError
from local.odoo.orm import Model

MANY_ERRORS = 10
STOPPED_EARLY = {
    "type": "warning",
    "message": "Found more than 10 errors and more than one error per 10 records, "
    "interrupted to avoid showing too many errors.",
}


def load(model: Model, fields: list[str], data: list[list[Any]]) -> dict[str, Any]:
    """Create or update one record a row; return `{"ids", "messages", "nextrow"}`."""
    paths = [name.split("/") for name in fields]
    for path in paths:
        if path[0] not in (*REFERENCES, *model.fields) or _too_deep(model, path):
            raise PythonError(ValueError, f"Invalid field name {path[0]!r}")
    state = model.env.state
    mark, changed = state.mark(), set(model.env.changed_orders)
    run = Import(model)
    rows = [converted(run, position, paths, values) for position, values in enumerate(data)]
    ids = _save(run, rows)
    if run.failed:
        state.roll_back(mark)
        model.env.changed_orders.clear()
        model.env.changed_orders.update(changed)
        return {"ids": False, "messages": run.messages, "nextrow": 0}
    return {"ids": ids, "messages": run.messages, "nextrow": 0}


def failure(message: str, rows: int) -> dict[str, Any]:
    """Return the result of `load` when the database refuses every row for one reason."""
    blamed = range(min(rows, MANY_ERRORS))
    messages = [Row(position, None, {}).message(message=message) for position in blamed]
    if rows >= MANY_ERRORS:
        messages.append(dict(STOPPED_EARLY))
    return {"ids": False, "messages": messages, "nextrow": 0}


def _too_deep(model: Model, path: list[str]) -> bool:
    if len(path) == 1:
        return False
    return model.fields[path[0]].kind != "many2one" or path[1] not in REFERENCES


def _save(run: Import, rows: list[Row]) -> list[int]:
    state = run.model.env.state
    together: dict[str, Any] | None = None
    try:
        with state.savepoint():
            _load_records(run.model, rows)
        return [int(row.record_id or 0) for row in rows]
    except UserError as error:
        together = rows[0].message(message=error.message)
    except OdooError:
        pass
    errors = 0
    for count, row in enumerate(rows, 1):
        try:
            with state.savepoint():
                _load_records(run.model, [row])
        except OdooError as error:
            run.messages.append(row.message(**_explained(error)))
            errors += 1
        if errors >= MANY_ERRORS and errors >= count / 10:
            run.messages.append(dict(STOPPED_EARLY))
            break
    if errors and together and together not in run.messages:
        run.messages.insert(0, together)
    return [int(row.record_id or 0) for row in rows]


def _explained(error: OdooError) -> dict[str, Any]:
    if isinstance(error, DatabaseError):
        return {"message": error.message} | ({"field": error.field} if error.field else {})
    if isinstance(error, UserError):
        return {"message": error.message}
    kind = error.kind.__name__ if isinstance(error, PythonError) else "Exception"
    return {
        "message": f"Unknown error during import: <class '{kind}'>: {error.message}",
        "moreinfo": "Resolve other errors first",
    }


def _load_records(model: Model, rows: Iterable[Row]) -> None:
    """Update what the external ids name, create the rest at once, then note the external ids."""
    to_create: list[Row] = []
    to_update: list[Row] = []
    for row in rows:
        row.record_id = None
        known = row.values.get("id") if row.external is None else _named(model, row.external)
        if known is None:
            to_create.append(row)
        else:
            row.record_id = int(known)
            to_update.append(row)
    for row in to_update:
        values = {name: value for name, value in row.values.items() if name != "id"}
        model.write([int(row.record_id or 0)], values)
    created = model.create([row.values for row in to_create]) if to_create else []
    for row, record_id in zip(to_create, created, strict=True):
        row.record_id = record_id
    _note_external_ids(model, [row for row in rows if row.external])


def _named(model: Model, external: str) -> int | None:
    """Return the id of the record an external id names; forget the external id of a lost record."""
    found = find_external(model, external)
    if found is None:
        return None
    if found["model"] != model.name:
        raise ValidationError(
            f"For external id {external} when trying to create/update a record of model {model.name} "
            f"found record of different model {found['model']} ({found['id']})"
        )
    if model.env.state.get(model.name, found["res_id"]):
        return int(found["res_id"])
    model.env.state.delete("ir.model.data", found["id"])
    return None


def _note_external_ids(model: Model, rows: list[Row]) -> None:
    """Insert, or update on conflict; a number of the sequence is spent either way."""
    state, now = model.env.state, model.env.timestamp()
    seen: set[str | None] = set()
    for row in rows:
        number = state.next_id("ir.model.data")
        if row.external in seen:
            raise DatabaseError(
                "CardinalityViolation", "ON CONFLICT DO UPDATE command cannot affect row a second time\n"
            )
        seen.add(row.external)
        module, _, name = str(row.external).partition(".")
        known = find_external(model, str(row.external))
        if known:
            state.update("ir.model.data", known["id"], {"res_id": row.record_id, "write_date": now})
        else:
            uid = model.env.uid
            logged = {"create_date": now, "write_date": now, "create_uid": uid, "write_uid": uid}
            target = {"module": module, "name": name, "model": model.name, "res_id": row.record_id}
            state.put("ir.model.data", number, {"id": number, **target, "noupdate": False, **logged})
