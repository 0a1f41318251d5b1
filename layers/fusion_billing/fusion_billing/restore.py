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

from fusion_billing import settings
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.errors import command_problem
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
        return _failed(f"{arguments[1]!r} {error}\n{USAGE}" if isinstance(error, FusionError) else USAGE, 2)
    now = datetime.now(UTC)
    if instant > now:
        return _failed("The point in time is in the future", 2)
    if command == "tables" and tables:
        return _tables(instant, tables)
    if command == "lines" and not tables:
        return _lines(instant, now)
    return _failed(USAGE, 2)


def _tables(instant: datetime, tables: Sequence[str]) -> int:
    for table in tables:
        try:
            PointInTime(client.dynamodb(), time.sleep, _report).restore(table, instant)
        except Exception as error:
            problem = command_problem(error, table)
            if problem is None:
                raise
            return _failed(problem)
    return 0


def _lines(instant: datetime, now: datetime) -> int:
    try:
        table, partitions = settings.text("RATINGS_TABLE"), settings.integer("LINE_PARTITIONS", 8)
    except settings.Missing as error:
        return _failed(str(error))
    try:
        result = RestoredLines(client.dynamodb(), table, partitions).mark(instant, now)
    except Exception as error:
        problem = command_problem(error, table)
        if problem is None:
            raise
        return _failed(problem)
    _report(f"Marked {result.marked} of {result.ratings} order lines as unknown")
    return 0


def _report(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _failed(message: str, status: int = 1) -> int:
    print(message, file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
