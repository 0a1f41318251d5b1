"""Plays lives in whose midst tables are restored to an earlier point in time, as docs/restore.md says.

What apps pushed since, they push again; what Odoo invoiced since, stays invoiced.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from fusion_billing.dynamodb.ratings.restored_lines import RestoredLines
from local.tables import Tables
from tests.lives import checks, events
from tests.lives.life import ACCEPTED, BEGIN, Broken, Life, seeded
from tests.lives.service import RATING, RELAY, service

FEATURES: frozenset[str] = frozenset({"levels", "void", "unknown", "hooks", "cadence", "windows"})
"""Of the features of a life, those that are not about definitions, which an operator restores by hand."""

ALL = tuple(field.name for field in fields(Tables))


def outcome(seed: int, restored: Iterable[str], emptied: Iterable[str] = (), *, marks: bool = True) -> str | None:
    """Return how a life fails whose tables `restored` go back to a third of it at two thirds, None if it ends well.

    Unless it `marks`, order lines are not marked as unknown.
    """
    seeded(seed)
    world, history = events.life(seed, FEATURES)
    third = len(history) // 3
    try:
        with service(BEGIN, world.get("rating_cadence", "1h")) as made:
            life = Life(made, world)
            life.begin()
            for event in history[:third]:
                life.play(event)
            restore, restored_to = backup(life, restored), made.clock.now
            for event in history[third : 2 * third]:
                if event[0] != "reprice":
                    life.play(event)
            restore()
            for name in emptied:
                empty(life, name)
            recover(life, restored_to, marks=marks)
            for event in history[2 * third :]:
                life.play(event)
            life.rest()
            checks.check(life)
    except Exception as error:  # noqa: BLE001  whatever it is, the life failed of it
        return f"life {seed}: {type(error).__name__}: {error}"
    return None


def backup(life: Life, names: Iterable[str]) -> Callable[[], None]:
    """Return what brings tables back to how they are now."""
    tables = [life.service.dynamodb.table(getattr(life.service.tables, name)) for name in names]
    copies = [table.snapshot() for table in tables]

    def restore() -> None:
        for table, copied in zip(tables, copies, strict=True):
            table.__dict__.update(copied.__dict__)

    return restore


def empty(life: Life, name: str) -> None:
    """Delete all items of a table."""
    table = life.service.dynamodb.table(getattr(life.service.tables, name))
    for key in list(table.items):
        table.remove(key)


def recover(life: Life, restored_to: datetime, *, marks: bool) -> None:
    """Do what docs/restore.md says after tables were restored, in its order."""
    service = life.service
    service.restart()
    for queue in (RATING, RELAY):
        service.sqs.purge(queue)
    if marks:
        mark(life, restored_to)
    for key, pushed in life.books.items():
        push_again(life, key, pushed.body, is_voided=pushed.voided)
    life.on_sweep(kill=None)
    life.drain()
    if marks:
        mark(life, restored_to)
    life.on_sync(full=True, kill=None)
    life.on_sweep(kill=None)
    life.drain()


def mark(life: Life, restored_to: datetime) -> None:
    """Mark the order lines as unknown."""
    client: Any = life.service.dynamodb
    RestoredLines(client, life.service.tables.ratings, 2).mark(restored_to, life.service.clock.now)


def push_again(life: Life, key: str, body: Mapping[str, Any], *, is_voided: bool) -> None:
    """Push a record as the app has it in its books, and void it if it was voided."""
    answer = life.service.push(body)
    if answer is not None and answer.body.get("outcome") == "stale":  # it was corrected without a sequence
        answer = life.service.push({name: value for name, value in body.items() if name != "sequence"})
    if answer is None or answer.body.get("outcome") not in ACCEPTED:
        raise Broken(f"{key} was pushed again and came to {answer}")
    if is_voided:
        answer = life.service.call("DELETE", f"/v1/usage/{key}")
        if answer is None or answer.status != 200:
            raise Broken(f"{key} was voided again and came to {answer}")
