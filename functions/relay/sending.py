"""One batch of a lane's lines: looked at, intended, sent, and each outcome handed on.

Before a line is sent its intent is written. Whatever happens from then on - a result that is lost, a process
that is killed - the intent stands until what Odoo holds was seen, and the line is looked up before it is
touched again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from functions.relay.line_dependencies import Tools
from functions.relay.line_results import Delay, Failure, Outcomes
from functions.relay.line_steps import Step, step_of
from functions.relay.prepared_lines import ComputedRating
from fusion_billing.currencies import with_digits
from fusion_billing.dynamodb.ratings.order_line_items import Intent, Standing
from fusion_billing.dynamodb.ratings.ratings import line_partition
from fusion_billing.odoo import orders
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.comparison import billable
from fusion_billing.odoo.errors import LineInvoiced, OdooError, PermanentError
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo.write_and_verify import FailedLine, RequestedLine, Writer, WriteResult

UNRESOLVED_FOR = timedelta(seconds=120)
"""How long a call may yet be carried out: what Odoo gives a request at most (`limit_time_real`)."""

_WAIT_FOR_SYNC = timedelta(minutes=3)
_ATTEMPTS_WHILE_INVOICED = 8


@dataclass
class Sending:
    """A batch on its way.

    `write` has an outcome written down, `seconds` says how long the next call may take.
    """

    tools: Tools
    outcomes: Outcomes
    seconds: Callable[[], float]
    write: Callable[..., None]
    loader: Loader = field(init=False)
    pending: dict[str, ComputedRating] = field(default_factory=dict, init=False)
    """Lines of which nothing is written down yet, by external id."""
    looked_at: dict[str, OdooLine | None] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Make the loader that counts what this batch's calls may have done."""
        self.loader = Loader(self.tools.odoo, self.seconds, self.tools.pause)

    def send(self, batch: list[ComputedRating]) -> None:
        """Send a batch. Raises the `OdooError` that ends all of it, and leaves in `pending` what it hit."""
        self.pending = {one.identity: one for one in batch}
        known, faults = orders.check_orders(self.tools.odoo, {one.order for one in batch}, self.seconds)
        wanted = self._wanted(batch, known)
        writer = Writer(self.tools.odoo, self.loader, self.tools.delivered)
        held = writer.read(wanted)
        going: list[Step] = []
        for one, line, standing in zip(batch, wanted, held, strict=True):
            if line.lookup_orders or standing is not None or not one.line.is_unresolved:
                self.looked_at[one.identity] = standing
            fault = faults.get(one.order) or (None if one.is_elsewhere else one.fault(known.get(one.order)))
            step = step_of(one, line, standing, fault)
            if isinstance(step, FailedLine):
                self._fail(one, step)
            elif step.kind in ("write", "retire"):
                going.append(step)
            else:
                self._note(step)
        self._write(writer, self._intended(going))

    def _write(self, writer: Writer, steps: list[Step]) -> None:
        if not steps:
            return
        with self.tools.pace.timed(len(steps), self.tools.clock):
            outcomes = writer.write([step.wanted for step in steps], [step.held for step in steps])
        for step, outcome in zip(steps, outcomes, strict=True):
            self._settle(step, outcome)

    def put_off(self, error: OdooError, pause: timedelta | None = None) -> None:
        """Put off what is pending: what became of it is known only if no call was carried out."""
        is_known = not (self.loader.is_unknown or self.loader.is_done or error.unknown)
        for one in list(self.pending.values()):
            knows = is_known and one.identity in self.looked_at
            self._later(one, FailedLine(error, self.looked_at.get(one.identity), knows), pause)

    def _wanted(self, batch: list[ComputedRating], known: Mapping[int, orders.Order]) -> list[RequestedLine]:
        named = [known[one.order].partner for one in batch if one.line_item.names and one.order in known]
        partners = {partner for partner in named if partner}
        spoken = orders.languages(self.tools.odoo, partners, self.seconds) if partners else {}
        found = []
        for one in batch:
            order = known.get(one.order)
            found.append(one.wanted(spoken.get(order.partner or 0, "") if order is not None else ""))
        return found

    def _intended(self, steps: list[Step]) -> list[Step]:
        """Write the intents of what is about to be sent; return what may go."""
        if not steps:
            return []
        self.seconds()  # no intent where there is no time left for the call, or the lease is lost
        now = self.tools.clock()
        intents = [(step.computed_rating.line, _intent(step, now)) for step in steps]
        going = []
        for step, (line, intent), may_go in zip(steps, intents, self.tools.store.intend(intents), strict=True):
            one = replace(step.computed_rating, line=replace(line, intent=intent))
            if may_go:
                self.pending[one.identity] = one
                going.append(replace(step, computed_rating=one))
            else:
                del self.pending[one.identity]
                self.outcomes.statistics.add("overtaken")
        return going

    def _settle(self, step: Step, outcome: WriteResult) -> None:
        one = step.computed_rating
        if isinstance(outcome, FailedLine):
            self._fail(one, outcome)
        elif step.kind == "retire":
            self._note(step)
        else:
            self._done(one)
            self.write(self.outcomes.sent, one.line, one.line_item, outcome, one.digest)

    def _note(self, step: Step) -> None:
        """Note what needs no further call: nothing is left of a former line, or nothing is owed."""
        one = step.computed_rating
        self._done(one)
        if step.kind == "nothing":
            self.write(self.outcomes.unchanged, one.line, one.line_item, one.digest)
        else:
            to = line_partition(one.line_item.order, self.tools.line_partitions)
            self.write(self.outcomes.retired, one.line, step.suffix, to)

    def _fail(self, one: ComputedRating, failed: FailedLine) -> None:
        error = failed.error
        if failed.needs_operator:
            self.outcomes.statistics.alarm = "line_not_taken_back"
        if isinstance(error, LineInvoiced) and one.line.attempt_count < _ATTEMPTS_WHILE_INVOICED:
            # The next sync closes the period; rating then bills the difference as an adjustment.
            self.outcomes.statistics.invoiced.add(one.order)
            if one.line_item.final_invoice:
                # Its subscription has ended: no date moves on, the line alone tells of the invoice.
                key = one.line.key
                self.outcomes.statistics.final_invoices.add((key.subscription, key.period_start))
            self._later(one, failed, _WAIT_FOR_SYNC)
        elif isinstance(error, PermanentError):
            self._done(one)
            self.write(self.outcomes.failed, one.line, one.line_item, _failure(one, failed))
        else:
            self._later(one, failed)

    def _later(self, one: ComputedRating, failed: FailedLine, pause: timedelta | None = None) -> None:
        self._done(one)
        failure, until = _failure(one, failed), None
        if failure.standing is None and one.line.intent is not None:
            until = one.line.intent.at + UNRESOLVED_FOR
        delay = Delay(self.tools.random(), pause, until)
        self.write(self.outcomes.later, one.line, one.line_item, failure, delay)

    def _done(self, one: ComputedRating) -> None:
        self.pending.pop(one.identity, None)


def _intent(step: Step, now: datetime) -> Intent:
    line = step.wanted.line
    amount = with_digits(line.amount, step.computed_rating.line_item.currency)
    digest = step.computed_rating.digest if step.kind == "write" else ""
    return Intent(step.computed_rating.line.version, amount, digest, line.order, now)


def _failure(one: ComputedRating, failed: FailedLine) -> Failure:
    return Failure(failed.error.code, failed.error.message, _standing(one, failed))


def _standing(one: ComputedRating, failed: FailedLine) -> Standing | None:
    """Return what is known to stand in Odoo after a failure, None where nobody knows."""
    if not failed.is_known:
        return None
    if failed.odoo_line is None:
        return Standing()
    amount = billable(one.made, failed.odoo_line)
    return Standing(failed.odoo_line.id, failed.odoo_line.order, with_digits(amount, one.line_item.currency))
