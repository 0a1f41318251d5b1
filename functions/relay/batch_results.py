"""The results of one batch: which lines still have none, and what is written about each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from functions.relay.background_writes import Write
from functions.relay.line_dependencies import RelayDependencies
from functions.relay.line_results import Delay, Failure, LineResults, SentLine
from functions.relay.line_steps import Step
from functions.relay.prepared_lines import PreparedLine
from fusion_billing.currencies import with_digits
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.order_line_items import Standing
from fusion_billing.odoo.comparison import billable
from fusion_billing.odoo.errors import LineInvoiced, OdooError, PermanentError
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo.write_and_verify import FailedLine, WriteResult

UNRESOLVED_FOR = timedelta(seconds=120)
"""How long Odoo may process a call at most (`limit_time_real`)."""

_WAIT_FOR_SYNC = timedelta(minutes=3)
_MAX_ATTEMPTS_WHILE_INVOICED = 8


@dataclass
class BatchResults:
    """Writes one result for each line of a batch.

    Args:
        write: Starts a write; it takes the time of the result as its argument.
    """

    dependencies: RelayDependencies
    results: LineResults
    write: Callable[[Write], None]
    pending: dict[str, PreparedLine] = field(default_factory=dict, init=False)
    """The lines without a result, by external ID."""
    odoo_lines: dict[str, OdooLine | None] = field(default_factory=dict, init=False)
    """The lines as they were read from Odoo before the call, by external ID; None for a line that is not there."""

    def begin(self, batch: list[PreparedLine]) -> None:
        """Expect a result for each line of the batch."""
        self.pending = {line.identity: line for line in batch}

    def overtaken(self, line: PreparedLine) -> None:
        """Count a line that has a newer version, or whose period was invoiced, before it was sent."""
        self._done(line)
        self.results.statistics.add("overtaken")

    def finish(self, steps: Sequence[Step], results: Sequence[WriteResult]) -> None:
        """Write the results of lines that were sent, those of a period together."""
        by_period: dict[str, list[SentLine]] = {}
        for step, result in zip(steps, results, strict=True):
            line = step.prepared
            if isinstance(result, FailedLine):
                self.fail(line, result)
            elif step.kind == "retire":
                self.finish_without_call(step)
            else:
                self._done(line)
                sent = SentLine(line.stored, line.line_item, result, line.digest)
                if line.stored.is_shared and not sent.awaits_invoice:
                    by_period.setdefault(line.stored.pk, []).append(sent)
                else:
                    self.write(partial(self.results.sent, [sent]))
        for own in by_period.values():
            self.write(partial(self.results.sent, own))

    def finish_without_call(self, step: Step) -> None:
        """Write the result of a step that needs no further call: the former line is empty, or the amount is zero."""
        line = step.prepared
        self._done(line)
        if step.kind == "nothing":
            self.write(partial(self.results.unchanged, line.stored, line.line_item, line.digest))
        else:
            partition = line_partition(line.line_item.order, self.dependencies.line_partitions)
            self.write(partial(self.results.retired, line.stored, step.suffix, partition))

    def fail(self, line: PreparedLine, failed: FailedLine) -> None:
        """Fail the line, or postpone it if a retry may succeed."""
        if failed.needs_operator:
            self.results.statistics.alarm = "line_not_taken_back"
        if isinstance(failed.error, LineInvoiced) and line.stored.attempt_count < _MAX_ATTEMPTS_WHILE_INVOICED:
            self._await_sync(line, failed)
        elif isinstance(failed.error, PermanentError):
            self._done(line)
            self.write(partial(self.results.failed, line.stored, line.line_item, _failure(line, failed)))
        else:
            self.postpone(line, failed)

    def postpone_pending(self, error: OdooError, pause: timedelta | None, *, is_known: bool) -> None:
        """Postpone every line without a result.

        Args:
            is_known: Whether Odoo certainly carried out no call, so that the lines stand there as they were read.
        """
        for line in list(self.pending.values()):
            is_read = is_known and line.identity in self.odoo_lines
            self.postpone(line, FailedLine(error, self.odoo_lines.get(line.identity), is_read), pause)

    def postpone(self, line: PreparedLine, failed: FailedLine, pause: timedelta | None = None) -> None:
        """Retry the line later, not before an unknown call has certainly ended."""
        self._done(line)
        failure, until = _failure(line, failed), None
        if failure.standing is None and line.stored.intent is not None:
            until = line.stored.intent.at + UNRESOLVED_FOR
        delay = Delay(self.dependencies.random(), pause, until)
        self.write(partial(self.results.postponed, line.stored, line.line_item, failure, delay))

    def _await_sync(self, line: PreparedLine, failed: FailedLine) -> None:
        """Postpone a line that Odoo has invoiced: the next sync closes its period, and rating adjusts the rest."""
        self.results.statistics.invoiced.add(line.order)
        if line.line_item.final_invoice:  # its subscription ended, so no date in Odoo moves on
            key = line.stored.key
            self.results.statistics.final_invoices.add((key.subscription, key.period_start))
        self.postpone(line, failed, _WAIT_FOR_SYNC)

    def _done(self, line: PreparedLine) -> None:
        self.pending.pop(line.identity, None)


def _failure(line: PreparedLine, failed: FailedLine) -> Failure:
    return Failure(failed.error.code, failed.error.message, _standing(line, failed))


def _standing(line: PreparedLine, failed: FailedLine) -> Standing | None:
    """Return what stands in Odoo after a failure, None if that is unknown."""
    if not failed.is_known:
        return None
    if failed.odoo_line is None:
        return Standing()
    amount = billable(line.made, failed.odoo_line)
    return Standing(failed.odoo_line.id, failed.odoo_line.order, with_digits(amount, line.line_item.currency))
