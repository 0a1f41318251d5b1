"""The stand-in's database: records in memory, written through to one SQLite file at each commit.

One process owns the file. A transaction is a lock and an undo log: `savepoint` rolls back to
where it began, ids taken from a sequence are never given back (as in PostgreSQL). SQLite holds
three tables: `record(model, id, doc)`, `sequence(name, value)`, `setting(name, value)`.
"""

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

Record = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    model TEXT NOT NULL, id INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (model, id)
);
CREATE TABLE IF NOT EXISTS sequence (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
INDEXED = (
    ("sale.order.line", "order_id"),
    ("account.move.line", "move_id"),
    ("account.move.line", "sale_line"),
    ("ir.model.data", "name"),
    ("ir.model.data", "res_id"),
    ("res.users.apikeys", "digest"),
)


class State:
    """All records, by model and id. Every change happens inside `transaction()`."""

    def __init__(self, path: Path | str) -> None:
        self.lock = threading.RLock()
        self.commits = 0
        self.last_change: dict[int, int] = {}  # order id -> number of the commit that last touched it
        self._tables: defaultdict[str, dict[int, Record]] = defaultdict(dict)
        self._indexes: dict[tuple[str, str], defaultdict[Any, set[int]]] = {key: defaultdict(set) for key in INDEXED}
        self._sequences: dict[str, int] = {}
        self._settings: dict[str, Any] = {}
        self._undo: list[Callable[[], None]] = []
        self._dirty: set[tuple[str, int]] = set()
        self._dirty_names: set[tuple[str, str]] = set()
        self._database = sqlite3.connect(path, timeout=1, check_same_thread=False)
        try:
            self._open()
        except sqlite3.Error:
            self._database.close()
            raise

    # reading

    def table(self, model: str) -> dict[int, Record]:
        """Return every record of a model, by id; not to be changed by the caller."""
        return self._tables[model]

    def get(self, model: str, record_id: int) -> Record | None:
        """Return one record's stored values, or None."""
        return self._tables[model].get(record_id)

    def matching(self, model: str, field: str, value: Any) -> list[int]:
        """Return the ids, ascending, of the records whose indexed `field` is `value`."""
        return sorted(self._indexes[model, field].get(value, ()))

    def setting(self, name: str, default: Any = None) -> Any:
        """Return one of the stand-in's own settings."""
        return self._settings.get(name, default)

    # changing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; commit at the end, or undo everything when an exception leaves."""
        with self.lock:
            try:
                yield
            except BaseException:
                self._roll_back_to(0)
                self._dirty.clear()
                self._save()
                raise
            self._save()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happened inside when an exception leaves, and let it pass."""
        mark = self.mark()
        try:
            yield
        except BaseException:
            self._roll_back_to(mark)
            raise

    def mark(self) -> int:
        """Return a point to `roll_back` to within this transaction."""
        return len(self._undo)

    def roll_back(self, mark: int) -> None:
        """Undo every change since `mark`."""
        self._roll_back_to(mark)

    def next_id(self, name: str) -> int:
        """Take the next number of a sequence: it stays taken even if the transaction fails."""
        self._sequences[name] = self._sequences.get(name, 0) + 1
        self._dirty_names.add(("sequence", name))
        return self._sequences[name]

    def reserve(self, name: str, value: int) -> None:
        """Have a sequence go on after `value`, where it is not beyond it already."""
        if self._sequences.get(name, 0) < value:
            self._sequences[name] = value
            self._dirty_names.add(("sequence", name))

    def put(self, model: str, record_id: int, values: Record) -> None:
        """Store `values` as the whole of one record."""
        self._replace(model, record_id, values)

    def update(self, model: str, record_id: int, values: Record) -> None:
        """Store `values` over what one record holds already."""
        self._replace(model, record_id, {**self._tables[model][record_id], **values})

    def delete(self, model: str, record_id: int) -> None:
        """Remove one record."""
        self._replace(model, record_id, None)

    def set(self, name: str, value: Any) -> None:
        """Change one of the stand-in's own settings (JSON)."""
        self._settings[name] = value
        self._dirty_names.add(("setting", name))

    def close(self) -> None:
        """Close the file; everything committed is in it."""
        with self.lock:
            self._database.close()

    # inside

    def _open(self) -> None:
        # Exclusive: a second process on the same file fails at once rather than diverge from this one.
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(SCHEMA)
        self._load()

    def _replace(self, model: str, record_id: int, new: Record | None) -> None:
        old = self._tables[model].get(record_id)
        self._swap(model, record_id, old, new)
        self._undo.append(lambda: self._swap(model, record_id, new, old))
        self._dirty.add((model, record_id))

    def _swap(self, model: str, record_id: int, old: Record | None, new: Record | None) -> None:
        for (indexed, field), index in self._indexes.items():
            if indexed == model:
                if old is not None:
                    index[old.get(field)].discard(record_id)
                if new is not None:
                    index[new.get(field)].add(record_id)
        if new is None:
            self._tables[model].pop(record_id, None)
        else:
            self._tables[model][record_id] = new

    def _roll_back_to(self, mark: int) -> None:
        while len(self._undo) > mark:
            self._undo.pop()()

    def _save(self) -> None:
        with self._database:
            for model, record_id in self._dirty:
                record = self._tables[model].get(record_id)
                if record is None:
                    self._database.execute("DELETE FROM record WHERE model = ? AND id = ?", (model, record_id))
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (model, record_id, dumps(record))
                    )
            for kind, name in self._dirty_names:
                if kind == "sequence":
                    self._database.execute(
                        "INSERT OR REPLACE INTO sequence VALUES (?, ?)", (name, self._sequences[name])
                    )
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, dumps(self._settings[name]))
                    )
        self._undo.clear()
        self._dirty.clear()
        self._dirty_names.clear()

    def _load(self) -> None:
        for model, record_id, doc in self._database.execute("SELECT model, id, doc FROM record ORDER BY model, id"):
            self._swap(model, record_id, None, loads(doc))
        self._sequences = dict(self._database.execute("SELECT name, value FROM sequence"))
        self._settings = {
            name: loads(value) for name, value in self._database.execute("SELECT name, value FROM setting")
        }


def dumps(value: Any) -> str:
    """Return JSON text in which a decimal is `{"$": "…"}`, so that no digit is lost."""
    return json.dumps(value, default=_tagged, ensure_ascii=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """Read what `dumps` wrote."""
    return json.loads(text, object_hook=_untagged)


def _tagged(value: Any) -> dict[str, str]:
    if isinstance(value, Decimal):
        return {"$": str(value)}
    raise TypeError(f"{type(value).__name__} can't be stored")


def _untagged(value: dict[str, Any]) -> Any:
    return Decimal(value["$"]) if value.keys() == {"$"} else value
