"""Track a subscription's plans and the chain of orders that invoices it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from fusion_billing.catalog.identifiers import MAX_PLAN_CHANGES

OrderKind = Literal["initial", "renewal", "upsell"]


@dataclass(frozen=True, slots=True)
class ChainedOrder:
    """One order of a subscription's chain, in force in `[start, end)` (aware UTC; `end` None: still is)."""

    odoo_order_id: int
    start: datetime
    end: datetime | None
    kind: OrderKind


@dataclass(frozen=True, slots=True)
class PlanChange:
    """The plan in force from `start` on (aware UTC; None: since the subscription began)."""

    plan: str
    start: datetime | None


def first_order(odoo_order_id: int, start: datetime) -> tuple[ChainedOrder, ...]:
    """Return the chain of a subscription that was never renewed."""
    return (ChainedOrder(odoo_order_id, start, None, "initial"),)


def changed_plan(history: Sequence[PlanChange], before: str, plan: str, at: datetime) -> tuple[PlanChange, ...]:
    """Return the history with `plan` in force from `at` on; `before` is the plan in force until now.

    Changes at `at` or later are dropped. An empty history means that `before` was always in force.
    """
    known = tuple(history) or (PlanChange(before, None),)
    earlier = tuple(change for change in known if change.start is None or change.start < at)
    if earlier[-1].plan == plan:
        return earlier
    changes = (*earlier, PlanChange(plan, at))[-MAX_PLAN_CHANGES:]
    return (replace(changes[0], start=None), *changes[1:])


def plans_within(history: Sequence[PlanChange], start: datetime, end: datetime) -> tuple[str, ...]:
    """Return the plans in force at some moment of `[start, end)`, in their order."""
    ends = [*(change.start for change in history[1:]), None]
    return tuple(
        change.plan
        for change, until in zip(history, ends, strict=True)
        if (change.start is None or change.start < end) and (until is None or until > start)
    )


def corrected_change(history: Sequence[PlanChange], at: datetime) -> tuple[PlanChange, ...]:
    """Return the history with the newest change moved to `at`; changes at `at` or later are gone."""
    if not history or history[-1].start is None:
        return tuple(history)
    return changed_plan(history[:-1], history[-1].plan, history[-1].plan, at)
