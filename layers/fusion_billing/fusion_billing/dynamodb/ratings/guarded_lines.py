"""What was found of lines that were changed in Odoo, noted on their ratings' items.

A line that is repaired becomes due again by the same write, so that the relay brings it back in its ordinary
way. One that is not is listed in the index under `changed`, its state being what it was; whatever writes the
line next takes it off that list.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.ratings.billed_lines import BilledLines
from fusion_billing.dynamodb.ratings.line_conditions import on_rating
from fusion_billing.dynamodb.ratings.order_line_items import CHANGED, STORED_FAILED, StoredLine
from fusion_billing.instants import sortable
from fusion_billing.webhooks.publishing import TransactionWrite

CHANGED_AGAIN = "changed_again"
"""The error of a line that somebody else changes after each repair."""

_AS_READ = "version = :version AND attribute_not_exists(frozen)"


class GuardedLines(BilledLines):
    """Lines, and what was found changed of them."""

    def repair(
        self, line: StoredLine, notes: str, line_partition: int, now: datetime, events: Sequence[TransactionWrite] = ()
    ) -> bool:
        """Make a changed line due in `lane`, even if its amount was acknowledged, and note why.

        False where it is not the line that was read: the relay was at work on it, or rating was.
        """
        values: dict[str, Any] = {
            "line_state": {"S": "due"},
            "line_pk": {"S": keys.due_lines_partition(line_partition)},
            "line_at": {"S": sortable(now)},
            "line_tries": {"N": "0"},
            "line_guard": {"S": notes},
        }
        removed = ["line_error", "line_message", "line_digest"]
        return self._as_read(line, values, removed, _AS_READ, events)

    def note(
        self,
        line: StoredLine,
        notes: str,
        now: datetime,
        events: Sequence[TransactionWrite] = (),
        *,
        is_listed: bool = True,
    ) -> bool:
        """Note what was found, and list the line under `changed` if asked to, where it is on no other list.

        False where it is not the line that was read.
        """
        values: dict[str, Any] = {"line_guard": {"S": notes}}
        if is_listed and line.line_partition in ("", CHANGED):
            values |= {"line_pk": {"S": CHANGED}, "line_at": {"S": sortable(now)}}
        return self._as_read(line, values, [], "version = :version", events)

    def fail_changed(
        self, line: StoredLine, notes: str, message: str, now: datetime, events: Sequence[TransactionWrite] = ()
    ) -> bool:
        """Fail a line that is changed again after each repair; False where it is not as it was read."""
        values: dict[str, Any] = {
            "line_state": {"S": STORED_FAILED},
            "line_pk": {"S": STORED_FAILED},
            "line_at": {"S": sortable(now)},
            "line_error": {"S": CHANGED_AGAIN},
            "line_message": {"S": message},
            "line_guard": {"S": notes},
        }
        return self._as_read(line, values, [], _AS_READ, events)

    def clear(self, line: StoredLine, notes: str | None) -> bool:
        """Write that the line agrees again; `notes` are those that stay, None for none."""
        values: dict[str, Any] = {} if notes is None else {"line_guard": {"S": notes}}
        removed = ["line_guard"] if notes is None else []
        if line.line_partition == CHANGED:
            removed += ["line_pk", "line_at"]
        return self._as_read(line, values, removed, "version = :version", ())

    def _as_read(
        self,
        line: StoredLine,
        values: dict[str, Any],
        removed: list[str],
        condition: str,
        events: Sequence[Any],
    ) -> bool:
        """Write if the line stands in the index, and with its notes, as it was read, onto its rating's item."""
        self._shared.move_to_rating(line)
        more: dict[str, Any] = {}
        for name, was in (("line_pk", line.line_partition or None), ("line_guard", line.guard)):
            if was is None:
                condition += f" AND attribute_not_exists({name})"
            else:
                condition += f" AND {name} = :was_{name}"
                more[f":was_{name}"] = {"S": was}
        return self._write(line, values, removed, on_rating(condition), events=events, more=more)
