"""Create the billing calendar of a subscription, and advance it when Odoo changes its dates.

The open period ends at `next_invoice_date`. If that date changes, either Odoo has invoiced the period (which moves
the date by the plan's interval) or a user has set another date. The new date decides which: if it is nearer to a later
boundary of the schedule than to the old date, the period was invoiced, together with every period up to that boundary;
otherwise the open period ends at the new date and stays open. So up to half an interval later is a postponement, more
is an invoice, and any earlier date is an edit. An invoiced period is never reopened: if the date is at or before the
start of the open period, the schedule gives its end.

As long as nothing is invoiced, the start of the open period follows corrections of `start_date`: it is where it would
be if the subscription had been seen with that date from the beginning.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from fusion_billing.billing_periods.calendar import Calendar, Past, Period
from fusion_billing.billing_periods.schedule import BillingSchedule
from fusion_billing.billing_periods.schedule_terms import ScheduleSpec, Terms

MAX_STEPS = 2
"""How many periods one `advance` closes at most: all writes and events of it must fit one transaction."""

MAX_CLOSED_AT_ONCE = 400
"""How many periods one change of `next_invoice_date` may close: each is written, and has its events."""

MAX_REPLACED = 20
"""How many replaced starts a calendar keeps; ratings under older ones were finalized long ago."""


def first_seen(terms: Terms) -> Calendar:
    """Return the calendar of a subscription seen for the first time: its open period, and nothing invoiced.

    The open period starts one interval before its end by the schedule, but never before `start_date`.
    """
    spec = terms.spec()
    begin = spec.midnight(terms.start_date)
    end = spec.midnight(terms.next_invoice_date)
    past = Past(spec, begin, terms.next_invoice_date)
    if end <= begin:
        return Calendar((Period(begin, spec.schedule.after(begin), "open"),), spec, past)
    start = max(begin, spec.schedule.before(end))
    return Calendar((Period(start, end, "open"),), spec, past)


def advance(calendar: Calendar, terms: Terms, now: datetime, *, rated_from: datetime | None = None) -> Calendar:
    """Return the calendar under the present `terms`; an equal one if nothing changed.

    It closes at most `MAX_STEPS` periods: call it again, each time storing its result, until the result does not
    change. Closed periods record `now` and, if it is within them, `rated_from`, from when on usage was rated so far.
    """
    ends = _ends_of_closed(calendar, terms)
    is_partial = len(ends) > MAX_STEPS
    closed, start = _closed(calendar.open, ends[:MAX_STEPS], now, rated_from)
    if is_partial:
        # More periods are to close: keep the schedule that led here.
        opened = Period(start, ends[MAX_STEPS], "open")
        return replace(calendar, known=(*calendar.known[:-1], *closed, opened))
    previous = calendar.spec.anchor
    if not closed and len(calendar.known) == 1:
        first = _as_first_seen(calendar, terms)
        start, previous = first.open.start, first.spec.anchor
    spec = terms.spec(previous=previous)
    end = spec.midnight(terms.next_invoice_date)
    if end <= start:
        end = spec.schedule.after(start)
    known = (*calendar.known[:-1], *closed, Period(start, end, "open"))
    # An invoiced period never moves, so only the start of the first period can have been replaced.
    replaced = _replaced(calendar, start) if not closed else calendar.replaced
    return replace(calendar, known=known, spec=spec, replaced=replaced)


def close_open(calendar: Calendar, now: datetime, *, rated_from: datetime | None = None) -> Calendar:
    """Return the calendar with its open period invoiced, and the next one of the schedule open.

    Call it when an invoice of the open period is seen that does not move `next_invoice_date`: the final invoice of
    an ended subscription. `now` and `rated_from` are recorded as by `advance`.
    """
    end = calendar.open.end
    (closed,), start = _closed(calendar.open, [end], now, rated_from)
    opened = Period(start, calendar.spec.schedule.after(start), "open")
    return replace(calendar, known=(*calendar.known[:-1], replace(closed, is_final=True), opened))


def periods_closed(calendar: Calendar, terms: Terms) -> int:
    """Return how many periods are invoiced under `terms` that are open or upcoming in `calendar`."""
    end, target = calendar.open.end, calendar.spec.midnight(terms.next_invoice_date)
    steps = [_steps(schedule, end, target) for schedule in _closing_schedules(calendar, terms)]
    return min((step for step in steps if step > 0), default=0)


def newly_invoiced(before: Calendar, after: Calendar) -> tuple[Period, ...]:
    """Return the periods invoiced in `after` that were not yet in `before`."""
    return tuple(period for period in after.known[:-1] if period.start >= before.open.start)


def _as_first_seen(calendar: Calendar, terms: Terms) -> Calendar:
    """Return the calendar that the subscription would have if it had been first seen with this `start_date`.

    Everything else is as it was then, except the time zone of the start: the date stays, its midnight moves.
    """
    past = calendar.past
    first_end = past.first_end or _local_day(calendar.open.end, calendar.spec)
    then = Terms(terms.start_date, first_end, past.spec.value, past.spec.unit, past.spec.timezone)
    seen = first_seen(then)
    begin = past.spec.midnight(terms.start_date)
    if seen.open.start != begin:
        return seen
    moved = replace(seen.open, start=terms.begin)
    return replace(seen, known=(moved,))


def _replaced(calendar: Calendar, start: datetime) -> tuple[datetime, ...]:
    old = calendar.open.start
    if start == old:
        return calendar.replaced
    return (*(replaced for replaced in calendar.replaced if replaced not in {start, old}), old)[-MAX_REPLACED:]


def _ends_of_closed(calendar: Calendar, terms: Terms) -> list[datetime]:
    """Return the ends of the periods invoiced since, that of the open period first; empty if none was."""
    end, target = calendar.open.end, calendar.spec.midnight(terms.next_invoice_date)
    candidates = [_boundaries(schedule, end, target) for schedule in _closing_schedules(calendar, terms)]
    return min((ends for ends in candidates if ends), key=len, default=[])


def _closing_schedules(calendar: Calendar, terms: Terms) -> list[BillingSchedule]:
    """Return the schedules by which `next_invoice_date` may have moved; none if it did not move forward."""
    old, end = calendar.spec, calendar.open.end
    if old.midnight(terms.next_invoice_date) <= end or (len(calendar.known) == 1 and terms.begin >= end):
        return []  # in the second case the subscription has not begun: its whole first period was postponed
    if (terms.value, terms.unit) == (old.value, old.unit):
        return [old.schedule]
    # The plan changed as well, and the date may have moved by the interval of either.
    anew = ScheduleSpec(_local_day(end, old), terms.value, terms.unit, old.timezone)
    return [old.schedule, anew.schedule]


def _boundaries(schedule: BillingSchedule, end: datetime, target: datetime) -> list[datetime]:
    """Return `end` and the boundaries after it that lie before the one nearest to `target`."""
    first = schedule.index(end)
    steps = min(_steps(schedule, end, target), MAX_STEPS + 1)
    return [end, *(schedule.boundary(first + step) for step in range(1, steps))] if steps > 0 else []


def _steps(schedule: BillingSchedule, end: datetime, target: datetime) -> int:
    """Return how many boundaries it is from `end` to the one nearest to `target`."""
    index = schedule.index(target)
    nearest = index + (target - schedule.boundary(index) >= schedule.boundary(index + 1) - target)
    return nearest - schedule.index(end)


def _closed(
    opened: Period, ends: Sequence[datetime], now: datetime, rated_from: datetime | None
) -> tuple[list[Period], datetime]:
    """Return the invoiced periods that end at `ends`, and the start of the next one."""
    start = opened.start
    closed = []
    for end in ends:
        within = rated_from if rated_from is not None and start < rated_from else None
        closed.append(Period(start, end, "invoiced", now, within and min(within, end), every_charge=True))
        start = end
    return closed, start


def _local_day(instant: datetime, spec: ScheduleSpec) -> date:
    return instant.astimezone(spec.schedule.zone).date()
