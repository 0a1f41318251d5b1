"""Changes that rating makes to the lines of a period after it wrote versions of their ratings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fusion_billing.billing.decisions import LineMove
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb.attributes import Item, optional_integer, optional_string
from fusion_billing.dynamodb.ratings.period_lines import LineMoved, PeriodLines
from fusion_billing.dynamodb.ratings.rating_items import LINE_GONE, DueLine, line_values
from fusion_billing.instants import sortable

_FAR_AHEAD = timedelta(minutes=15)
"""Longer than a worker takes from reading a line to writing its rating: no run sends such a line meanwhile."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """What becomes of the line of a rating's `version`: a move, and when it is due if that makes it due."""

    key: RatingKey
    version: int
    move: LineMove
    due: DueLine


def applied(lines: PeriodLines, changes: Sequence[LineChange], now: datetime) -> tuple[PeriodLines, list[LineChange]]:
    """Return the lines after changes of some of them, and the changes of lines that are on their ratings' items."""
    moved = []
    for change in changes:
        try:
            lines = _applied(lines, change, now)
        except LineMoved:
            moved.append(change)
    return lines, moved


def _applied(lines: PeriodLines, change: LineChange, now: datetime) -> PeriodLines:
    """Return the lines after a change; the same object if the line needs none."""
    line = lines.line(change.key.name)
    if change.move == "keep" or (line is None and change.move == "none"):
        return lines
    if line is not None:
        change = _no_later(line, change)
        if _is_overtaken(line, change) or _stays_due(line, change, now):
            return lines
    values = {**line_values(change.move, change.due), "line_rated": {"N": str(change.version)}}
    return lines.changed(change.key.name, values, LINE_GONE[change.move])


def _no_later(line: Item, change: LineChange) -> LineChange:
    """Return the change with the time at which the line is due already, if that is earlier."""
    if optional_string(line, "line_state") != "due":
        return change
    at = datetime.fromisoformat(line["line_at"]["S"]).astimezone(UTC)
    return replace(change, due=change.due._replace(at=min(at, change.due.at)))


def _is_overtaken(line: Item, change: LineChange) -> bool:
    """Return whether the line is about a newer version, or has sent this one already."""
    if (optional_integer(line, "line_rated") or 0) > change.version:
        return True
    is_sent = (optional_integer(line, "line_version") or 0) >= change.version
    return is_sent and optional_string(line, "line_state") not in {None, "none", "waiting"}


def _stays_due(line: Item, change: LineChange, now: datetime) -> bool:
    """Return whether the line is due at that time already, long enough from now that nobody can be sending it.

    It is sent as its rating is then, so it need not be written: an hourly counter costs one write a day.
    """
    return (
        change.move == "due"
        and optional_string(line, "line_state") == "due"
        and optional_string(line, "line_at") == sortable(change.due.at)
        and optional_string(line, "line_pk") == change.due.partition
        and optional_integer(line, "line_tries") == 0
        and "line_intent" not in line
        and change.due.at > now + _FAR_AHEAD
    )
