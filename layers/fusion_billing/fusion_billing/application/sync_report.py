"""The report of a run that reads subscriptions from Odoo."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NotRequired, TypedDict

from aws_lambda_powertools import Logger

from fusion_billing.odoo.chains import Owner
from fusion_billing.odoo.subscriptions import ReadSubscription

logger = Logger()


class SkippedOrder(TypedDict):
    """An order that could not be read or stored."""

    odoo_order_id: int
    name: str
    reasons: list[str]


class SeparateOrder(TypedDict):
    """A renewal that is stored as `subscription`, not as part of the subscription that it `renews`."""

    odoo_order_id: int
    name: str
    subscription: str
    renews: NotRequired[str]


class ReportJson(TypedDict):
    """A report as JSON."""

    full: bool
    read: int
    created: int
    updated: int
    unchanged: int
    defined_by_api: int
    passed: int
    joined: int
    closed: int
    payment_exceptions: int
    gone: list[str]
    skipped: list[SkippedOrder]
    apart: list[SeparateOrder]
    alarm: str
    failed: str
    after: int | None
    complete: bool
    odoo_key_days_left: int | None


@dataclass
class Report:
    """The report of a run.

    Attributes:
        defined_by_api: Orders of subscriptions that the API defined, which the synchronization does not change.
        passed: Quotations and other orders that never were subscriptions of the service.
        joined: Orders that belong to the subscription of another order that was read.
        skipped: Orders that can't be read or stored, with reasons.
        apart: Renewals that are a subscription of their own beside the one that they renew, or that the API has
            not included in the chain that it defined.
        after: The order to go on after if the run was out of time, None if it read all.
        changed: The subscriptions of the orders read.
    """

    full: bool = False
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    defined_by_api: int = 0
    passed: int = 0
    joined: int = 0
    closed: int = 0
    payment_exceptions: int = 0
    gone: list[str] = field(default_factory=list)
    skipped: list[SkippedOrder] = field(default_factory=list)
    apart: list[SeparateOrder] = field(default_factory=list)
    alarm: str = ""
    failed: str = ""
    after: int | None = None
    key_days_left: float | None = None
    changed: list[str] = field(default_factory=list)

    def as_dict(self) -> ReportJson:
        """Return the report for responses and the log."""
        return {
            "full": self.full,
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "defined_by_api": self.defined_by_api,
            "passed": self.passed,
            "joined": self.joined,
            "closed": self.closed,
            "payment_exceptions": self.payment_exceptions,
            "gone": self.gone,
            "skipped": self.skipped,
            "apart": self.apart,
            "alarm": self.alarm,
            "failed": self.failed,
            "after": self.after,
            "complete": self.after is None and not self.failed and not self.alarm,
            "odoo_key_days_left": None if self.key_days_left is None else int(self.key_days_left),
        }


Outcome = Literal[
    "created", "updated", "unchanged", "defined_by_api", "passed", "skipped", "apart", "payment_exception", "failed"
]


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What a run did about an order.

    Attributes:
        reasons: Why an order was `skipped`.
        owner: The subscription that an order is stored `apart` from.
        closed: The number of periods that saving closed.
        error: The code of the error if saving `failed`.
    """

    row: ReadSubscription
    outcome: Outcome
    reasons: Sequence[str] = ()
    owner: Owner | None = None
    closed: int = 0
    error: str = ""


def count(report: Report, result: OrderResult) -> None:
    """Add the result of an order to the report."""
    row = result.row
    match result.outcome:
        case "skipped":
            report.skipped.append({"odoo_order_id": row.order, "name": row.name, "reasons": list(result.reasons)})
            logger.warning("subscription could not be read", order=row.order, name_=row.name, reasons=result.reasons)
        case "apart" if result.owner is not None:
            report.apart.append(_separate(row, result.owner))
            logger.warning(
                "renewal is stored apart from the subscription that it renews", order=row.order, name_=row.name
            )
        case "payment_exception":
            report.payment_exceptions += 1
        case "failed":
            report.failed = result.error
        case outcome:
            setattr(report, outcome, getattr(report, outcome) + 1)
            report.closed += result.closed


def _separate(row: ReadSubscription, owner: Owner) -> SeparateOrder:
    order: SeparateOrder = {"odoo_order_id": row.order, "name": row.name, "subscription": owner.subscription}
    return {**order, "renews": owner.natural} if owner.is_apart else order
