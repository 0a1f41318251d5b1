"""What the ledger must push, and what it learns from the results."""

import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from fusion_billing_client.meter.changes import EXACT
from fusion_billing_client.meter.identity import Identity
from fusion_billing_client.meter.ledger import Ledger, insert, new_instance
from fusion_billing_client.meter.rows import Rejected, Row
from fusion_billing_client.models import PushResult

_IDENTITY: Final = "kind, subscription, metric, period_start, period_end, properties, member"
_COLUMNS: Final = f"id, key, {_IDENTITY}, quantity, revision"
_PENDING: Final = "revision > accepted_revision AND state != 'closed'"
_NEVER: Final = 1e18
FOREIGN_WRITER: Final = "foreign_writer"
_FOREIGN: Final = (
    "Something else pushed under this key: a copy of the ledger, an older state of it, or an operator's correction. "
    "The service keeps what it has; new counts get a new key. "
    "Count the rest under a new key with recount(key), or leave it out with dismiss(key)"
)


def pending(ledger: Ledger, now: float, most: int, *, at_once: bool = False) -> list[Row]:
    """Return counters to push, the oldest window first; `at_once` those too that wait after they were unavailable."""
    due = "(due_at <= ? OR state = 'open')" if at_once else "due_at <= ?"
    found = ledger.query(
        f"SELECT {_COLUMNS} FROM records WHERE {_PENDING} AND {due} ORDER BY period_end, id LIMIT ?",  # noqa: S608
        (now, most),
    )
    return [_row(values) for values in found]


def count_pending(ledger: Ledger) -> tuple[int, str | None]:
    """Return how many counters the service does not have yet, rejected ones left out, and the oldest window's start."""
    [(count, oldest)] = ledger.query(
        f"SELECT count(*), min(period_start) FROM records WHERE {_PENDING} AND state = 'open'"  # noqa: S608
    )
    return count, oldest


def rejected(ledger: Ledger) -> list[Rejected]:
    """Return the counters that the service rejected."""
    columns = f"key, {_IDENTITY}, quantity, accepted_quantity, code, message"
    found = ledger.query(f"SELECT {columns} FROM records WHERE state = 'rejected' ORDER BY period_start, id")  # noqa: S608
    return [_rejected(values) for values in found]


def settle(ledger: Ledger, rows: Sequence[Row], results: Sequence[PushResult], now: float, wait: "Waits") -> None:
    """Store the results of pushed counters, all in one transaction."""
    with ledger.transaction() as connection:
        for result in results:
            row = rows[result.index]
            if result.outcome == "stale" and row.identity.kind != "unique":
                _divide(connection, row, ledger.session)
            elif result.accepted:
                _accept(connection, row, ledger.session)
            elif result.outcome == "unavailable":
                connection.execute("UPDATE records SET due_at = ? WHERE id = ?", (now + wait.unavailable, row.id))
            else:
                code, message = _reason(result)
                _reject(connection, row, code, message, now + wait.rejected)


class Waits:
    """Seconds until a counter is pushed again that was not stored, or was rejected."""

    def __init__(self, unavailable: float, rejected: float) -> None:
        self.unavailable = unavailable
        self.rejected = rejected


def retry_rejected(ledger: Ledger) -> int:
    """Make every rejected counter due now; return how many there are."""
    with ledger.transaction() as connection:
        return connection.execute(
            "UPDATE records SET due_at = 0 WHERE state = 'rejected' AND code != ?", (FOREIGN_WRITER,)
        ).rowcount


def recount(ledger: Ledger, key: str) -> Decimal:
    """Count what the service did not accept of a rejected counter under a new key; return how much that is."""
    with ledger.transaction() as connection:
        columns = f"{_COLUMNS}, accepted_quantity"
        found = connection.execute(
            f"SELECT {columns} FROM records WHERE key = ? AND state = 'rejected'",  # noqa: S608
            (key,),
        ).fetchone()
        if found is None:
            raise KeyError(key)
        row, accepted = _row(found[:-1]), found[-1]
        return _move(connection, row, Decimal(accepted or 0), ledger.session)


def dismiss(ledger: Ledger, key: str) -> None:
    """Leave out what the service did not accept of a rejected counter."""
    with ledger.transaction() as connection:
        changed = connection.execute(
            "UPDATE records SET state = 'closed' WHERE key = ? AND state = 'rejected'", (key,)
        ).rowcount
        if not changed:
            raise KeyError(key)


def compact(ledger: Ledger, ended_before: str) -> int:
    """Remove counters of windows that ended before then and that the service has; return how many.

    What is added to such a window afterwards gets keys of a new generation, so it never replaces what was pushed.
    """
    with ledger.transaction() as connection:
        removed = connection.execute(
            "DELETE FROM records WHERE period_end < ? AND (state = 'closed' OR"
            " (state = 'open' AND revision <= accepted_revision))",
            (ended_before,),
        ).rowcount
        if removed:
            settings = dict(connection.execute("SELECT name, value FROM settings").fetchall())
            before = max(ended_before, settings.get("compacted_before", ""))
            generation = str(int(settings.get("generation", "0")) + 1)
            for name, value in (("compacted_before", before), ("generation", generation)):
                connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
    if removed:
        ledger.query("PRAGMA incremental_vacuum")
    return removed


def _accept(connection: sqlite3.Connection, row: Row, session: str) -> None:
    connection.execute(
        "UPDATE records SET accepted_revision = ?, accepted_quantity = ?, accepted_session = ?, code = NULL,"
        " message = NULL, due_at = 0, state = 'open' WHERE id = ? AND accepted_revision < ?",
        (row.revision, row.quantity, session, row.id, row.revision),
    )


def _reject(connection: sqlite3.Connection, row: Row, code: str, message: str, due_at: float) -> None:
    connection.execute(
        "UPDATE records SET state = 'rejected', code = ?, message = ?, due_at = ? WHERE id = ?",
        (code, message, due_at, row.id),
    )


def _divide(connection: sqlite3.Connection, row: Row, session: str) -> None:
    """Handle a counter whose key holds a newer sequence than ours, which this ledger did not push.

    If nothing of the key was accepted in this session, the file is an older state of the ledger: the service has all
    of the counter as it was when the session began, so what was counted since is moved to a new key. Otherwise
    nothing says how much of it the service has, and it is for a person to decide.
    """
    _renew_instance(connection, row)
    own, before, accepted_in = connection.execute(
        "SELECT session, quantity_before_session, accepted_session FROM records WHERE id = ?", (row.id,)
    ).fetchone()
    if accepted_in == session:
        _reject(connection, row, FOREIGN_WRITER, _FOREIGN, _NEVER)
        return
    _move(connection, row, Decimal(before if own == session else row.quantity), session)


def _renew_instance(connection: sqlite3.Connection, row: Row) -> None:
    [(instance,)] = connection.execute("SELECT value FROM settings WHERE name = 'instance'")
    if row.key in (row.identity.key(instance), row.identity.key(f"{instance}.{_generation(connection)}")):
        new_instance(connection)


def _generation(connection: sqlite3.Connection) -> str:
    found = connection.execute("SELECT value FROM settings WHERE name = 'generation'").fetchone()
    return found[0] if found else "0"


def _move(connection: sqlite3.Connection, row: Row, known: Decimal, session: str) -> Decimal:
    """Close a counter at what the service has of it, and count the rest under a new key; return the rest."""
    [(quantity,)] = connection.execute("SELECT quantity FROM records WHERE id = ?", (row.id,))
    rest = EXACT.subtract(Decimal(quantity), known) if row.identity.kind == "count" else Decimal(quantity)
    connection.execute("UPDATE records SET state = 'closed', quantity = ? WHERE id = ?", (format(known, "f"), row.id))
    if rest > 0:
        [(instance,)] = connection.execute("SELECT value FROM settings WHERE name = 'instance'")
        key = row.identity.key(instance)
        taken = connection.execute("SELECT id, quantity FROM records WHERE key = ?", (key,)).fetchone()
        if taken is None:
            [(at,)] = connection.execute("SELECT gauged_at FROM records WHERE id = ?", (row.id,))
            insert(connection, key, row.identity, format(rest, "f"), session, at=at)
        elif row.identity.kind == "count":
            total = format(EXACT.add(Decimal(taken[1]), rest), "f")
            connection.execute(
                "UPDATE records SET quantity = ?, revision = revision + 1 WHERE id = ?", (total, taken[0])
            )
    return rest


def _reason(result: PushResult) -> tuple[str, str]:
    if result.error is None:
        return result.outcome, ""
    faults = [f"{fault.field} {fault.message}" for fault in result.error.fields[:3]]
    detail = result.error.detail
    return result.error.code, detail if len(faults) < 2 else f"{detail}: {'; '.join(faults)}"  # noqa: PLR2004


def _row(values: Sequence[Any]) -> Row:
    return Row(values[0], values[1], Identity(*values[2:9]), values[9], values[10])


def _rejected(values: Sequence[Any]) -> Rejected:
    key, _, subscription, metric, start, end, properties, member, quantity, accepted, code, message = values
    return Rejected(
        key=key,
        subscription=subscription,
        metric=metric,
        period_start=start,
        period_end=end,
        quantity=Decimal(quantity),
        accepted=None if accepted is None else Decimal(accepted),
        code=code or "",
        message=message or "",
        properties=json.loads(properties) if properties else {},
        member=member,
    )
