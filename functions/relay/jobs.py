"""The relay's jobs, each measured: lines, deliveries, subscriptions, and lines compared."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.relay import dependencies
from fusion_billing.messaging.messages import RelayQueueJob, relay_job
from fusion_billing.messaging.relay_messages import CloseJob, DeliveriesJob, GuardJob, InvoicesJob, LinesJob, SyncJob
from fusion_billing.odoo import configuration

if TYPE_CHECKING:
    from functions.relay.line_results import RunStatistics
    from fusion_billing.application.sync_subscriptions import Report

_FOR_DELIVERIES = 90.0
"""Seconds that lines leave to deliveries in a run of both."""

_A_MESSAGE = 200
"""Subscriptions whose lines one message asks to compare."""

Remaining = Callable[[], float]


def scheduled(event: Mapping[str, Any], remaining: Remaining) -> dict[str, Any]:
    """Do the schedule's job; raises `ValueError` for one that is none."""
    job = event.get("job")
    if job == "relay":
        failure: Exception | None = None
        told: dict[str, Any] = {}
        try:
            told["lines"] = lines(lambda: remaining() - _FOR_DELIVERIES)
        except Exception as error:  # noqa: BLE001  deliveries go out whatever became of the lines
            failure = error
        told["deliveries"] = send_deliveries(remaining)
        if failure is not None:
            raise failure
        return told
    return do(relay_job(event), remaining)


def do(job: RelayQueueJob, remaining: Remaining) -> dict[str, Any]:
    """Do a job of the relay queue."""
    match job:
        case LinesJob():
            return lines(remaining)
        case DeliveriesJob():
            return send_deliveries(remaining, job.endpoints)
        case SyncJob():
            return sync(remaining, job)
        case InvoicesJob():
            return invoices(remaining)
        case CloseJob():
            return close(job)
        case GuardJob():
            return guard(remaining, job)


def lines(remaining: Remaining) -> dict[str, Any]:
    """Send due lines to Odoo, if it is configured."""
    if not configuration.is_configured():
        return {}
    statistics = dependencies.line_relay(remaining).run()
    _measure_lines(statistics)
    told = statistics.as_dict()
    if any(told.values()):
        dependencies.logger().info("lines", counts=told)
    if statistics["moved"] or statistics["retired"]:
        dependencies.queue().send([LinesJob()])  # the next step of a line that moves
    if statistics.final_invoices:
        dependencies.close_last_periods(statistics.final_invoices)
    if statistics.invoiced:
        # Odoo has invoiced what is open here: read those orders now, so that their periods close.
        report = dependencies.subscription_sync(remaining).orders(sorted(statistics.invoiced))
        _measure_sync(report)
    return told


def invoices(remaining: Remaining) -> dict[str, Any]:
    """Read what Odoo's invoices hold of closed periods; freezing their ratings has made that due."""
    if not configuration.is_configured():
        return {}
    statistics = dependencies.line_relay(remaining).run(only_invoices=True)
    _measure_lines(statistics)
    return statistics.as_dict()


def close(job: CloseJob) -> dict[str, Any]:
    """Close the last period of an ended subscription for which no final invoice will be seen."""
    dependencies.close_last_period(job.subscription, job.period_start)
    return {}


def send_deliveries(remaining: Remaining, endpoints: Collection[str] | None = None) -> dict[str, Any]:
    """Send due deliveries, to the endpoints named or to all."""
    # Guard, sender and signing: a start for lines or subscriptions goes without.
    from functions.relay import deliveries, delivery_dependencies  # noqa: PLC0415

    counts = deliveries.run(delivery_dependencies.dependencies(), dependencies.now, remaining, endpoints)
    metrics = dependencies.metrics()
    metrics.add_metric("DeliveriesDelivered", MetricUnit.Count, counts.delivered)
    metrics.add_metric("DeliveriesRetried", MetricUnit.Count, counts.retried)
    metrics.add_metric("DeliveriesFailed", MetricUnit.Count, counts.failed)
    if endpoints is None:
        metrics.add_metric("OldestDueDeliverySeconds", MetricUnit.Seconds, counts.oldest_due_seconds)
    told = {
        "delivered": counts.delivered,
        "retried": counts.retried,
        "failed": counts.failed,
        "errors": counts.errors,
    }
    if any(told.values()):
        dependencies.logger().info("deliveries", counts=told)
    return told


def sync(remaining: Remaining, job: SyncJob) -> dict[str, Any]:
    """Read subscriptions from Odoo; if time runs out, send a message that continues the run."""
    if not configuration.is_configured():
        return {}
    dependencies.metrics().add_metric("SubscriptionSyncs", MetricUnit.Count, 1)
    since = job.began or dependencies.now()
    report = dependencies.subscription_sync(remaining).run(full=job.full, after=job.after, began=since)
    if job.full and report.after is None:
        _renew_key(report)
    _measure_sync(report)
    if not report.alarm and not report.failed:
        waiting = dependencies.final_invoices(remaining)
        dependencies.metrics().add_metric("FinalInvoices", MetricUnit.Count, waiting)
    told = report.as_dict()
    dependencies.logger().info("subscriptions", report=told)
    if report.after is not None:
        dependencies.queue().send([SyncJob(full=report.full, after=report.after, began=since)])
    if not report.full:
        _have_compared(report.changed)
    return told


def _have_compared(subscriptions: Sequence[str]) -> None:
    """Request a comparison of the lines of orders that changed in Odoo, since a user may have changed ours."""
    ids = sorted(set(subscriptions))
    parts = [ids[first : first + _A_MESSAGE] for first in range(0, len(ids), _A_MESSAGE)]
    dependencies.queue().send([GuardJob(subscriptions=tuple(part)) for part in parts])


def guard(remaining: Remaining, job: GuardJob) -> dict[str, Any]:
    """Compare order lines not yet invoiced with what was rated: of those named, of periods that end, of all.

    What time does not allow is asked for by a message to oneself.
    """
    if not configuration.is_configured():
        return {}
    run = dependencies.guard_run(remaining).run(job)
    metrics, result = dependencies.metrics(), run.result
    if run.failed:
        metrics.add_metric("OdooAuthErrors", MetricUnit.Count, int(run.is_alarm))
    else:
        metrics.add_metric("LinesCompared", MetricUnit.Count, result.compared)
    metrics.add_metric("LinesChanged", MetricUnit.Count, result.changed)
    metrics.add_metric("LinesRepaired", MetricUnit.Count, result.repaired)
    metrics.add_metric("LinesFailed", MetricUnit.Count, result.failed)
    told = {**result.counts(), "failed_by": run.failed, "goes_on": run.rest is not None}
    if any(told.values()):
        dependencies.logger().info("lines compared", counts=told)
    following: list[RelayQueueJob] = [LinesJob()] if result.repaired else []
    if run.rest is not None:
        following.append(run.rest)
    dependencies.queue().send(following)
    return told


def _renew_key(report: "Report") -> None:
    """Renew Odoo's key if it expires soon, once a day; if that fails, the alarm on its expiry stays."""
    renewal = configuration.key_renewal().run(dependencies.now(), report.key_days_left)
    report.key_days_left = renewal.days_left
    if renewal.outcome != "not_due":
        log = dependencies.logger()
        log.info("the key of Odoo was looked at", outcome=renewal.outcome, reason=renewal.reason)
    renewed = int(renewal.outcome == "renewed")
    dependencies.metrics().add_metric("OdooKeyRenewals", MetricUnit.Count, renewed)


def _measure_lines(statistics: "RunStatistics") -> None:
    metrics = dependencies.metrics()
    metrics.add_metric("LinesSent", MetricUnit.Count, statistics["sent"])
    metrics.add_metric("LinesFailed", MetricUnit.Count, statistics["failed"])
    metrics.add_metric("OdooAuthErrors", MetricUnit.Count, int(bool(statistics.alarm)))
    metrics.add_metric("OdooUnavailable", MetricUnit.Count, int(statistics.waiting))
    if statistics.alarm == "odoo_key_rejected":
        metrics.add_metric("OdooKeyDaysLeft", MetricUnit.Count, 0)


def _measure_sync(report: "Report") -> None:
    metrics = dependencies.metrics()
    metrics.add_metric("SubscriptionsSkipped", MetricUnit.Count, len(report.skipped))
    metrics.add_metric("PaymentExceptions", MetricUnit.Count, report.payment_exceptions)
    metrics.add_metric("OdooAuthErrors", MetricUnit.Count, int(bool(report.alarm)))
    if report.key_days_left is not None:
        metrics.add_metric("OdooKeyDaysLeft", MetricUnit.Count, report.key_days_left)
