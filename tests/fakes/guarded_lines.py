"""Order lines, and what was found changed of them in Odoo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.ratings.guarded_lines import CHANGED_AGAIN
from fusion_billing.dynamodb.ratings.order_line_items import CHANGED, STORED_FAILED, StoredLine
from fusion_billing.instants import sortable
from tests.fakes.order_lines import FakeOrderLines


@dataclass
class FakeGuardedLines(FakeOrderLines):
    """Order lines in memory; a finding is written if the line is as it was read."""

    def repair(
        self, line: StoredLine, notes: str, line_partition: int, now: datetime, events: Sequence[object] = ()
    ) -> bool:
        due = keys.due_lines_partition(line_partition)

        def repaired(stored: StoredLine) -> StoredLine:
            waiting = replace(stored, state="due", line_partition=due, at=sortable(now), attempt_count=0)
            return replace(waiting, guard=notes, error=None, message=None, digest=None)

        return not line.frozen and self._write_as_read(line, repaired, events)

    def note(
        self,
        line: StoredLine,
        notes: str,
        now: datetime,
        events: Sequence[object] = (),
        *,
        is_listed: bool = True,
    ) -> bool:
        def noted(stored: StoredLine) -> StoredLine:
            found = replace(stored, guard=notes)
            if is_listed and line.line_partition in {"", CHANGED}:
                return replace(found, line_partition=CHANGED, at=sortable(now))
            return found

        return self._write_as_read(line, noted, events)

    def fail_changed(
        self, line: StoredLine, notes: str, message: str, now: datetime, events: Sequence[object] = ()
    ) -> bool:
        def failed(stored: StoredLine) -> StoredLine:
            given_up = replace(stored, state="failed", line_partition=STORED_FAILED, at=sortable(now), guard=notes)
            return replace(given_up, error=CHANGED_AGAIN, message=message)

        return not line.frozen and self._write_as_read(line, failed, events)

    def clear(self, line: StoredLine, notes: str | None) -> bool:
        def cleared(stored: StoredLine) -> StoredLine:
            agreeing = replace(stored, guard=notes)
            return replace(agreeing, line_partition="", at="") if line.line_partition == CHANGED else agreeing

        return self._write_as_read(line, cleared)

    def _write_as_read(
        self, line: StoredLine, change: Callable[[StoredLine], StoredLine], events: Sequence[object] = ()
    ) -> bool:
        def is_as_read(stored: StoredLine) -> bool:
            was = line.version, line.line_partition, line.guard, line.frozen
            return (stored.version, stored.line_partition, stored.guard, stored.frozen) == was

        return self._write_if(line, is_as_read, change, events)
