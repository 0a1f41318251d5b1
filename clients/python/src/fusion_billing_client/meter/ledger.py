"""The ledger: every counter of every window, in one SQLite file that several processes share.

Each counter has a key, an absolute quantity and a revision that rises with each change: the `sequence` of its pushes.
The key holds the ledger's *instance*, so no two ledgers write the same counter. A ledger takes a new instance if its
file may be a copy, or an older state of itself: after a reboot, on another host, as another file (`_is_same_file`).
What was counted before keeps its key; what is counted from then on adds up under a new one.
"""

import contextlib
import os
import secrets
import socket
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from fusion_billing_client.meter.changes import EXACT, Changes, stands
from fusion_billing_client.meter.identity import Identity
from fusion_billing_client.meter.schema import connect, sqlite_error

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Ledger:
    """The SQLite file; every method is one transaction, and raises `LedgerError` with nothing stored."""

    def __init__(self, path: Path, *, survives_power_loss: bool = False) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._survives_power_loss = survives_power_loss
        self._connection: sqlite3.Connection | None = None
        self.session = secrets.token_hex(8)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction that locks out other writers from its start."""
        with self.lock:
            connection = self.open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise sqlite_error(error, self.path) from error

    def open(self) -> sqlite3.Connection:
        """Return the connection, opened if it is not; use it under `lock`."""
        if self._connection is None:
            self._connection = connect(self.path, survives_power_loss=self._survives_power_loss)
        return self._connection

    def close(self) -> None:
        """Close the connection; it opens again if it is used. SQLite forbids open connections across a fork."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def query(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.lock:
            try:
                return self.open().execute(sql, tuple(parameters)).fetchall()
            except sqlite3.Error as error:
                raise sqlite_error(error, self.path) from error

    # --- sessions and instances ---

    def begin_session(self, witness: Path) -> None:
        """Start a session, as the only process with the ledger: what happened to the file since the last one?

        `witness` is a file beside the ledger that changes with each session: a ledger restored from a backup without
        it, or with an older one, is recognized.
        """
        with self.transaction() as connection:
            stored = dict(connection.execute("SELECT name, value FROM settings").fetchall())
            file_now = _file_identity(self.path)
            seen = witness.read_text() if witness.exists() else ""
            if stored.get("file") != file_now or not seen or stored.get("witness") != seen:
                new_instance(connection)
            fresh = secrets.token_hex(16)
            for name, value in (("file", file_now), ("witness", fresh), ("session", self.session)):
                connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
        replacement = witness.with_name(f"{witness.name}.new")
        replacement.write_text(fresh)
        replacement.replace(witness)

    def join_session(self) -> None:
        """Take part in the session of other processes."""
        found = self.query("SELECT value FROM settings WHERE name = 'session'")
        self.session = found[0][0] if found else self.session

    # --- counting ---

    def position(self, journal: str) -> int:
        """Return how far a journal was folded."""
        found = self.query("SELECT position FROM journals WHERE name = ?", (journal,))
        return int(found[0][0]) if found else 0

    def apply(self, journal: str, start: int, end: int, changes: Changes) -> None:
        """Add what a journal has from `start` to `end`, unless it was added before."""
        with self.transaction() as connection:
            found = connection.execute("SELECT position FROM journals WHERE name = ?", (journal,)).fetchone()
            if (found[0] if found else 0) != start:
                return
            connection.execute("INSERT OR REPLACE INTO journals VALUES (?, ?)", (journal, end))
            writer = _Writer(connection, self.session)
            for identity, quantity in changes.counts.items():
                writer.add(identity, quantity)
            for identity, (value, at) in changes.gauges.items():
                writer.gauge(identity, value, at)
            for identity in changes.members:
                writer.see(identity)
            for line in changes.unreadable:
                connection.execute("INSERT INTO unreadable VALUES (?, ?)", (journal, line))

    def forget_journal(self, journal: str) -> None:
        """Forget a journal that no longer exists."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM journals WHERE name = ?", (journal,))

    def checkpoint(self) -> None:
        """Write everything to the disk itself, before a journal that holds it is removed."""
        self.query("PRAGMA wal_checkpoint(FULL)")


class _Writer:
    """Writes changes within one transaction."""

    def __init__(self, connection: sqlite3.Connection, session: str) -> None:
        self._connection = connection
        self._session = session
        settings = dict(connection.execute("SELECT name, value FROM settings").fetchall())
        self._instance = settings["instance"]
        self._compacted_before = settings.get("compacted_before", "")
        self._generation = settings.get("generation", "0")

    def add(self, identity: Identity, quantity: Decimal) -> None:
        """Add to a counter."""
        key, known = self._find(identity)
        if known is None:
            self._insert(key, identity, quantity)
            return
        id_, before, session, _ = known
        if quantity:
            self._update(id_, before, session, EXACT.add(Decimal(before), quantity))

    def gauge(self, identity: Identity, value: Decimal, at: float) -> None:
        """Take the value of a gauge, if it stands over the stored one."""
        key, known = self._find(identity)
        if known is None:
            self._insert(key, identity, value, at)
            return
        id_, before, session, gauged_at = known
        if not stands(identity.kind, (Decimal(before), gauged_at), (value, at)):
            return
        if Decimal(before) != value:
            self._update(id_, before, session, value)
        self._connection.execute("UPDATE records SET gauged_at = ? WHERE id = ?", (at, id_))

    def see(self, identity: Identity) -> None:
        """Take a member, once."""
        key, known = self._find(identity)
        if known is None:
            self._insert(key, identity, Decimal(1))

    def _find(self, identity: Identity) -> tuple[str, Any]:
        """Return the key of a counter, and what is stored under it.

        A counter that was compacted gets another key: what is added to its window later adds up beside it.
        """
        keys = [identity.key(self._instance)]
        if identity.end <= self._compacted_before:
            keys.append(identity.key(f"{self._instance}.{self._generation}"))
        for key in keys:
            known = self._connection.execute(
                "SELECT id, quantity, session, gauged_at FROM records WHERE key = ?", (key,)
            ).fetchone()
            if known is not None:
                return key, known
        return keys[-1], None

    def _insert(self, key: str, identity: Identity, quantity: Decimal, at: float | None = None) -> None:
        insert(self._connection, key, identity, format(quantity, "f"), self._session, at=at)

    def _update(self, id_: int, before: str, session: str, quantity: Decimal) -> None:
        if session != self._session:
            self._connection.execute(
                "UPDATE records SET session = ?, quantity_before_session = ? WHERE id = ?", (self._session, before, id_)
            )
        self._connection.execute(
            "UPDATE records SET quantity = ?, revision = revision + 1 WHERE id = ?", (format(quantity, "f"), id_)
        )


def insert(
    connection: sqlite3.Connection,
    key: str,
    identity: Identity,
    quantity: str,
    session: str,
    *,
    at: float | None = None,
) -> None:
    """Insert a counter with its first revision."""
    connection.execute(
        "INSERT INTO records (key, kind, subscription, metric, period_start, period_end, properties, member, quantity,"
        " gauged_at, revision, session, quantity_before_session) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, '0')",
        (key, *identity, quantity, at, session),
    )


def new_instance(connection: sqlite3.Connection) -> str:
    """Give the ledger a new instance: what is counted from now on gets new keys."""
    instance = secrets.token_hex(10)
    connection.execute("INSERT OR REPLACE INTO settings VALUES ('instance', ?)", (instance,))
    return instance


def _file_identity(path: Path) -> str:
    """Return what tells whether this is the same file on the same running system."""
    status = path.stat()
    boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
    return f"{socket.gethostname()}|{boot}|{status.st_dev}|{status.st_ino}|{os.name}"
