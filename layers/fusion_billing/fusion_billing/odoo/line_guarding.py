"""Compare order lines in Odoo with what was rated and acknowledged, and repair or report differences.

Used by the comparison on demand and by the scheduled ones. A line that differs is read again, here and in Odoo,
before it is reported: the relay may have been writing it. Invoiced lines are never changed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aws_lambda_powertools import Logger

from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.guarded_lines import CHANGED_AGAIN
from fusion_billing.dynamodb.ratings.order_line_items import CHANGED, FINAL_INVOICE, StoredLine
from fusion_billing.errors import FusionError
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import MissingAccessRights
from fusion_billing.odoo.guarding_ports import GuardedLines
from fusion_billing.odoo.line_events import prepare_line_event
from fusion_billing.odoo.line_findings import CANCELLED, FOUND, FindingJson, SentLine
from fusion_billing.odoo.order_line_reading import LINES_A_CALL, OdooLine, read_lines
from fusion_billing.odoo.orders import Seconds
from fusion_billing.odoo_lines.line_guard import (
    ITSELF,
    LineGuard,
    Note,
    decide,
    notes_text,
    read_notes,
    with_note,
    without_note,
)
from fusion_billing.odoo_lines.quantity_and_price import Precision
from fusion_billing.webhooks.publishing import EventPublisher, Prepared

_MOST_GONE = 20
_LARGEST_SHARE_GONE = 0.2

logger = Logger()


@dataclass
class Comparison:
    """The result of a comparison. `changed` counts findings not reported before, `failed` lines given up."""

    compared: int = 0
    agreeing: int = 0
    changed: int = 0
    repaired: int = 0
    failed: int = 0
    findings: list[FindingJson] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return the counts for the log."""
        return {name: value for name, value in self.__dict__.items() if isinstance(value, int)}


def is_guarded(line: StoredLine, now: datetime) -> bool:
    """Return whether a line should be as acknowledged: it was sent, or it is due later.

    Lines that are due, failed or have an unknown result are left to the relay.
    """
    if line.frozen or not is_acknowledged(line):
        return False
    if line.state == "due":
        return not line.attempt_count and datetime.fromisoformat(line.at) > now
    return line.state in ("sent", FINAL_INVOICE)


def is_acknowledged(line: StoredLine) -> bool:
    """Return whether the state of the line in Odoo is known."""
    return line.odoo_id is not None and line.sent_amount is not None and not line.is_unresolved


@dataclass(frozen=True)
class LineGuarding:
    """Compare lines. `guard` decides what to do about differences; None means to change nothing.

    `seconds` returns how long the next call may take.
    """

    store: GuardedLines
    odoo: Odoo
    precision: Callable[[], Precision]
    events: EventPublisher
    line_partitions: int
    clock: Callable[[], datetime]
    seconds: Seconds
    guard: LineGuard | None = None

    def compare(
        self, lines: Sequence[StoredLine], are_compared: Callable[[StoredLine], bool], result: Comparison
    ) -> None:
        """Compare lines for all of which `are_compared` is true; raises any `OdooError`.

        Raises `MissingAccessRights` if so many lines are missing at once that access rights were probably lost.
        """
        sent = self.read(lines)
        odoo_lines = self._odoo_lines(sent)
        suspects = [line for line in sent if line.differences(odoo_lines.get(line.stored.odoo_id or 0))]
        self._check_rights(sent, odoo_lines)
        result.compared += len(sent)
        result.agreeing += len(sent) - len(suspects)
        if self.guard is not None:
            self._clear(sent, suspects)
        if not suspects:
            return
        again = self.read(
            [line for line in self.store.get_many(suspect.stored.key for suspect in suspects) if are_compared(line)]
        )
        odoo_lines = self._odoo_lines(again)
        for line in again:
            standing = odoo_lines.get(line.stored.odoo_id or 0)
            found = line.differences(standing)
            if found:
                result.findings.append(self._found(line, standing, found, result))
            else:
                result.agreeing += 1

    def read(self, lines: Sequence[StoredLine]) -> list[SentLine]:
        """Return the lines that can be parsed, each with its line item."""
        read = []
        precision = self.precision()
        for line in lines:
            try:
                read.append(SentLine.of(line, precision))
            except FusionError:
                continue  # the relay fails it, by name
        return read

    def _odoo_lines(self, lines: Sequence[SentLine]) -> dict[int, OdooLine]:
        ids = sorted({line.stored.odoo_id for line in lines if line.stored.odoo_id is not None})
        odoo_lines: dict[int, OdooLine] = {}
        for first in range(0, len(ids), LINES_A_CALL):
            odoo_lines |= read_lines(self.odoo, ids[first : first + LINES_A_CALL], self.seconds)
        return odoo_lines

    def _check_rights(self, lines: Sequence[SentLine], odoo_lines: Collection[int]) -> None:
        gone = sum(line.stored.odoo_id not in odoo_lines for line in lines)
        if gone > max(_MOST_GONE, len(lines) * _LARGEST_SHARE_GONE):
            raise MissingAccessRights(
                f"{gone} of {len(lines)} order lines are no longer visible: access rights were probably lost",
                name="gone",
            )

    def _clear(self, lines: Sequence[SentLine], suspects: Collection[SentLine]) -> None:
        """Clear the findings of lines that match again."""
        now = self.clock()
        differing = {line.stored.key for line in suspects}
        for line in (line.stored for line in lines if line.stored.guard and line.stored.key not in differing):
            notes = read_notes(line.guard)
            left = without_note(notes, ITSELF, now)
            is_listed_wrongly = line.line_partition == CHANGED and not any(note.is_open for note in left.values())
            if left != notes or is_listed_wrongly:
                self.store.clear(line, notes_text(left) if left else None)

    def _found(
        self, line: SentLine, odoo_line: OdooLine | None, found: tuple[str, ...], result: Comparison
    ) -> FindingJson:
        about = line.about(found, odoo_line)
        if self.guard is None:
            return about
        now = self.clock()
        reason = _reason(line, odoo_line, found)
        note = Note(
            found, line.amount, line.odoo_amount(odoo_line), odoo_line.order if odoo_line else None, "reported", now
        )
        before = read_notes(line.stored.guard).get(ITSELF)
        note = decide(note, before, self.guard, reason)
        if line.stored.frozen or (note.action == "reported" and note.is_same(before)):
            return about | {"repaired": False, "reason": note.why}
        is_written = self._write(line, note, about)
        if is_written:
            count(result, note, about)
        why = note.why if is_written else "it changed in the meantime: compare it again"
        is_repaired = is_written and note.action == "repaired"
        return about | {"repaired": is_repaired, "reason": "it is sent again" if is_repaired else why}

    def _write(self, line: SentLine, note: Note, about: FindingJson) -> bool:
        stored = line.stored
        notes = notes_text(with_note(read_notes(stored.guard), ITSELF, note))
        prepared = self._event(line, note, about)
        if note.action == "repaired":
            to = line_partition(line.order, self.line_partitions)
            is_written = self.store.repair(stored, notes, to, note.at, prepared.writes)
        elif note.action == "failed":
            is_written = self.store.fail_changed(stored, notes, note.why, note.at, prepared.writes)
        else:
            is_written = self.store.note(stored, notes, note.at, prepared.writes)
        if is_written:
            self.events.wake_up(prepared)
        return is_written

    def _event(self, line: SentLine, note: Note, about: FindingJson) -> Prepared:
        if note.action == "failed":
            reason = {"reason": CHANGED_AGAIN, "message": f"{explain(note)}; {note.why}"}
            return self.event("line.failed", line, {**about, **reason}, note.at)
        return self.event("line.changed", line, {**about, **event_data(note)}, note.at)

    def event(self, type_: str, line: SentLine, data: Mapping[str, object], now: datetime) -> Prepared:
        """Return an event about a line; `NOTHING` if the event can't be built."""
        return prepare_line_event(self.events, type_, (line.stored, line.line_item), data, now)


def count(result: Comparison, note: Note, about: FindingJson) -> None:
    """Count a finding that was not reported before, and log it."""
    result.changed += 1
    result.repaired += note.action == "repaired"
    result.failed += note.action == "failed"
    logger.warning("an order line was changed in Odoo", finding=about, action=note.action, why=note.why)


def event_data(note: Note) -> dict[str, str]:
    """Return the action and the message of an event about a finding."""
    message = explain(note)
    return {"action": note.action, "message": f"{message}; {note.why}" if note.why else message}


def explain(note: Note) -> str:
    """Return a sentence about a finding, with both amounts."""
    odoo = "has no such line" if note.odoo_amount is None else f"has {note.odoo_amount}"
    return f"rated {note.amount}, Odoo {odoo}: {', '.join(FOUND[name] for name in note.found)}"


def _reason(line: SentLine, odoo_line: OdooLine | None, found: Sequence[str]) -> str:
    """Return why a line can't be repaired; empty if it can."""
    if line.stored.frozen:
        return "its billing period is invoiced"
    if odoo_line is not None and line.is_invoiced(odoo_line):
        return "it is on an invoice"
    if CANCELLED in found:
        return "its order is canceled"
    return ""
