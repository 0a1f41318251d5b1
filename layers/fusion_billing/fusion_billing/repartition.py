"""Moves waiting order lines after the stack parameter `OdooLinePartitions` changed.

::

    RATINGS_TABLE=... LINE_PARTITIONS=4 python -m fusion_billing.repartition

Run it once the stack is updated: the relay serves the new partitions alone, so lines in others wait until then.
"""

import sys

from fusion_billing import commands, settings
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.ratings.repartitioning import MAX_LINE_PARTITIONS, Repartitioning


def main() -> int:
    """Move the lines and print how many; return 0, or 1 with what has to be set up."""
    try:
        table = settings.text("RATINGS_TABLE")
        line_partitions = _line_partitions()
    except settings.Missing as error:
        return commands.failed(str(error))
    return commands.run(lambda: _move(table, line_partitions), table)


def _move(table: str, line_partitions: int) -> None:
    result = Repartitioning(client.dynamodb(), table).run(line_partitions)
    commands.report(f"Moved {result.moved} of {result.waiting} waiting lines to {line_partitions} partitions")


def _line_partitions() -> int:
    settings.text("LINE_PARTITIONS")
    number = settings.integer("LINE_PARTITIONS", 0)
    if not 1 <= number <= MAX_LINE_PARTITIONS:
        raise settings.Missing(f"LINE_PARTITIONS must be from 1 to {MAX_LINE_PARTITIONS}, not {number}")
    return number


if __name__ == "__main__":
    sys.exit(main())
