"""The tables of the ledger, and how its file is opened."""

import sqlite3
from pathlib import Path
from typing import Final

from fusion_billing_client.errors import LedgerError, LedgerFullError

FORMAT: Final = 1
_BUSY_SECONDS: Final = 60.0

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journals (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subscription TEXT NOT NULL,
    metric TEXT NOT NULL,
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    properties TEXT NOT NULL,
    member TEXT,
    quantity TEXT NOT NULL,
    gauged_at REAL,
    revision INTEGER NOT NULL,
    session TEXT NOT NULL,
    quantity_before_session TEXT NOT NULL,
    accepted_revision INTEGER NOT NULL DEFAULT 0,
    accepted_quantity TEXT,
    accepted_session TEXT,
    state TEXT NOT NULL DEFAULT 'open',
    code TEXT,
    message TEXT,
    due_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS pending ON records (due_at) WHERE revision > accepted_revision AND state != 'closed';
CREATE INDEX IF NOT EXISTS ended ON records (period_end);
CREATE TABLE IF NOT EXISTS unreadable (journal TEXT NOT NULL, line BLOB NOT NULL);
"""


def connect(path: Path, *, survives_power_loss: bool) -> sqlite3.Connection:
    """Return a connection in autocommit mode; raises `LedgerError`."""
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if survives_power_loss else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO settings VALUES ('format', ?)", (str(FORMAT),))
        [(found,)] = connection.execute("SELECT value FROM settings WHERE name = 'format'")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        raise sqlite_error(error, path) from error
    if found != str(FORMAT):
        connection.close()
        raise LedgerError(f"{path}: has the format {found} of another version of this package. Update the package")
    return connection


def sqlite_error(error: sqlite3.Error, path: Path) -> LedgerError:
    """Return the exception for an error of SQLite; nothing of the transaction was stored."""
    text = str(error)
    if "full" in text:
        return LedgerFullError(f"{path}: the disk is full. Free some space; what was counted is kept in the journal")
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
        return LedgerError(f"{path}: is not a ledger, or is damaged ({text}). Move it away to start a new one")
    return LedgerError(f"{path}: {text}")
