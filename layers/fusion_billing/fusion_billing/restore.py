"""Restore tables to an earlier point in time, and mark order lines that may have been sent since.

::

    python -m fusion_billing.restore tables 2026-11-20T09:00:00Z NAME...
    RATINGS_TABLE=... LINE_PARTITIONS=8 python -m fusion_billing.restore lines 2026-11-20T09:00:00Z

docs/restore.md says when to run which. Both may be repeated.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from fusion_billing import commands, settings
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.point_in_time import PointInTime
from fusion_billing.dynamodb.ratings.restored_lines import RestoredLines
from fusion_billing.errors import FusionError
from fusion_billing.instants import parse_instant

USAGE = "Usage: python -m fusion_billing.restore tables INSTANT NAME... | lines INSTANT"


def main(arguments: Sequence[str]) -> int:
    """Run the command; return 0, or 1 with what has to be set up, or 2 for a command that is not one."""
    try:
        command, instant, tables = arguments[0], parse_instant(arguments[1]), arguments[2:]
    except (IndexError, FusionError) as error:
        return commands.failed(f"{arguments[1]!r} {error}\n{USAGE}" if isinstance(error, FusionError) else USAGE, 2)
    now = datetime.now(UTC)
    if instant > now:
        return commands.failed("The point in time is in the future", 2)
    if command == "tables" and tables:
        return _tables(instant, tables)
    if command == "lines" and not tables:
        return _lines(instant, now)
    return commands.failed(USAGE, 2)


def _tables(instant: datetime, tables: Sequence[str]) -> int:
    for table in tables:
        status = commands.run(partial(_restore, table, instant), table)
        if status:
            return status
    return 0


def _restore(table: str, instant: datetime) -> None:
    PointInTime(client.dynamodb(), time.sleep, commands.report).restore(table, instant)


def _lines(instant: datetime, now: datetime) -> int:
    try:
        table, partitions = settings.text("RATINGS_TABLE"), settings.integer("LINE_PARTITIONS", 8)
    except settings.Missing as error:
        return commands.failed(str(error))
    return commands.run(lambda: _mark(table, partitions, instant, now), table)


def _mark(table: str, partitions: int, instant: datetime, now: datetime) -> None:
    result = RestoredLines(client.dynamodb(), table, partitions).mark(instant, now)
    commands.report(f"Marked {result.marked} of {result.ratings} order lines as unknown")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
