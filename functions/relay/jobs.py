"""Do the jobs of the relay and publish their metrics: lines, deliveries, subscriptions, comparisons."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.relay import dependencies
from fusion_billing.messaging.messages import RelayQueueJob, relay_job
from fusion_billing.messaging.relay_messages import CloseJob, DeliveriesJob, GuardJob, InvoicesJob, LinesJob, SyncJob
from fusion_billing.odoo import configuration

if TYPE_CHECKING:
    from functions.relay.line_results import RunStatistics
    from fusion_billing.application.sync_report import Report

_FOR_DELIVERIES = 90.0
"""Seconds reserved for deliveries in a run that sends lines first."""

_A_MESSAGE = 200
"""Subscriptions whose lines one message has compared."""

Remaining = Callable[[], float]


def scheduled(event: Mapping[str, object], remaining: Remaining) -> Mapping[str, object]:
    """Do the job of a scheduled event; raises `ValueError` if the job is unknown."""
    job = event.get("job")
    if job == "relay":
        failure: Exception | None = None
        results: dict[str, Any] = {}
        try:
            results["lines"] = lines(lambda: remaining() - _FOR_DELIVERIES)
        except Exception as error:  # noqa: BLE001  deliveries are sent even if lines fail
            failure = error
        results["deliveries"] = send_deliveries(remaining)
        if failure is not None:
            raise failure
        return results
    return do(relay_job(event), remaining)


def do(job: RelayQueueJob, remaining: Remaining) -> Mapping[str, object]:
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


def lines(remaining: Remaining) -> Mapping[str, object]:
    """Send due lines to Odoo, if Odoo is configured."""
    if not configuration.is_configured():
        return {}
    statistics = dependencies.line_relay(remaining).run()
    _measure_lines(statistics)
    counts = statistics.as_dict()
    if any(counts.values()):
        dependencies.logger().info("lines", counts=counts)
    if statistics["moved"] or statistics["retired"]:
        dependencies.queue().send([LinesJob()])  # the next step of a line that moves
    if statistics.final_invoices:
        dependencies.close_last_periods(statistics.final_invoices)
    if statistics.invoiced:
        # Odoo has invoiced periods that are open here: read those orders now, so that the periods close.
        report = dependencies.subscription_sync(remaining).orders(sorted(statistics.invoiced))
        _measure_sync(report)
    return counts


def invoices(remaining: Remaining) -> Mapping[str, object]:
    """Read the invoiced amounts of closed periods, which became due when their ratings were frozen."""
    if not configuration.is_configured():
        return {}
    statistics = dependencies.line_relay(remaining).run(only_invoices=True)
    _measure_lines(statistics)
    return statistics.as_dict()


def close(job: CloseJob) -> Mapping[str, object]:
    """Close the last period of an ended subscription for which no final invoice will be seen."""
    dependencies.close_last_period(job.subscription, job.period_start)
    return {}


def send_deliveries(remaining: Remaining, endpoints: Collection[str] | None = None) -> Mapping[str, object]:
    """Send due deliveries, to the endpoints named or to all."""
    # SSRF guard, sender and signing: not imported for lines and subscriptions, for a faster cold start.
    from functions.relay import deliveries, delivery_dependencies  # noqa: PLC0415

    run = deliveries.run(delivery_dependencies.dependencies(), dependencies.now, remaining, endpoints)
    metrics = dependencies.metrics()
    metrics.add_metric("DeliveriesDelivered", MetricUnit.Count, run.delivered)
    metrics.add_metric("DeliveriesRetried", MetricUnit.Count, run.retried)
    metrics.add_metric("DeliveriesFailed", MetricUnit.Count, run.failed)
    if endpoints is None:
        metrics.add_metric("OldestDueDeliverySeconds", MetricUnit.Seconds, run.oldest_due_seconds)
    counts = {
        "delivered": run.delivered,
        "retried": run.retried,
        "failed": run.failed,
        "errors": run.errors,
    }
    if any(counts.values()):
        dependencies.logger().info("deliveries", counts=counts)
    return counts


def sync(remaining: Remaining, job: SyncJob) -> Mapping[str, object]:
    """Read subscriptions from Odoo. If time runs out, send a message to continue."""
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
    summary = report.as_dict()
    dependencies.logger().info("subscriptions", report=summary)
    if report.after is not None:
        dependencies.queue().send([SyncJob(full=report.full, after=report.after, began=since)])
    if not report.full:
        _have_compared(report.changed)
    return summary


def _have_compared(subscriptions: Sequence[str]) -> None:
    """Have the lines of changed orders compared: somebody may have changed the service's lines in Odoo."""
    ids = sorted(set(subscriptions))
    parts = [ids[first : first + _A_MESSAGE] for first in range(0, len(ids), _A_MESSAGE)]
    dependencies.queue().send([GuardJob(subscriptions=tuple(part)) for part in parts])


def guard(remaining: Remaining, job: GuardJob) -> Mapping[str, object]:
    """Compare order lines that are not invoiced with what was rated. If time runs out, send a message to continue.

    The job says which: those of named subscriptions, those of periods that end, or all.
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
    counts = {**result.counts(), "failed_by": run.failed, "goes_on": run.rest is not None}
    if any(counts.values()):
        dependencies.logger().info("lines compared", counts=counts)
    following: list[RelayQueueJob] = [LinesJob()] if result.repaired else []
    if run.rest is not None:
        following.append(run.rest)
    dependencies.queue().send(following)
    return counts


def _renew_key(report: "Report") -> None:
    """Renew Odoo's key if it expires soon, once a day; if that fails, the alarm on its expiry stays."""
    renewal = configuration.key_renewal().run(dependencies.now(), report.key_days_left)
    report.key_days_left = renewal.days_left
    if renewal.outcome != "not_due":
        log = dependencies.logger()
        log.info("Odoo API key checked", outcome=renewal.outcome, reason=renewal.reason)
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
