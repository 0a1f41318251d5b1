"""The report of a run that reads subscriptions from Odoo."""

from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger

from fusion_billing.odoo.subscriptions import ReadSubscription

logger = Logger()


@dataclass
class Report:
    """The report of a run.

    Attributes:
        kept: Orders of subscriptions that were defined by the API, and are left alone.
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
    kept: int = 0
    passed: int = 0
    joined: int = 0
    closed: int = 0
    payment_exceptions: int = 0
    gone: list[str] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    apart: list[dict[str, Any]] = field(default_factory=list)
    alarm: str = ""
    failed: str = ""
    after: int | None = None
    key_days_left: float | None = None
    changed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for responses and the log."""
        fields = {**self.__dict__, "complete": self.after is None and not self.failed and not self.alarm}
        days = fields.pop("key_days_left")
        del fields["changed"]
        return {**fields, "odoo_key_days_left": None if days is None else int(days)}


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What a run did about an order; `about` has details by `outcome`."""

    row: ReadSubscription
    outcome: str
    about: Any


def count(report: Report, result: OrderResult) -> None:
    """Add the result of an order to the report."""
    row, outcome, about = result.row, result.outcome, result.about
    if outcome == "skipped":
        report.skipped.append({"odoo_order_id": row.order, "name": row.name, "reasons": about})
        logger.warning("subscription could not be read", order=row.order, name_=row.name, reasons=about)
    elif outcome == "apart":
        found = {"odoo_order_id": row.order, "name": row.name, "subscription": about.subscription}
        report.apart.append(found | ({"renews": about.natural} if about.is_apart else {}))
        logger.warning("renewal is stored apart from the subscription that it renews", order=row.order, name_=row.name)
    elif outcome == "payment_exception":
        report.payment_exceptions += 1
    elif outcome == "failed":
        report.failed = about
    else:
        setattr(report, outcome, getattr(report, outcome) + 1)
        report.closed += about or 0
