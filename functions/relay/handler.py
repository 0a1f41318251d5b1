"""Handle the relay's events: those of its schedules, and messages of its queue (SQS events have `Records`).

Scheduled events: `{"job": "relay"}` sends due lines, then due deliveries; `{"job": "sync", "full"?}` reads
subscriptions. `messaging.relay_messages` describes the messages of the queue.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.relay import dependencies, jobs
from fusion_billing.errors import FusionError
from fusion_billing.http import problem
from fusion_billing.json_types import JsonObject
from fusion_billing.lambda_context import LambdaContext
from fusion_billing.messaging.hops import HOPS, MAX_HOPS, ChainTooLong, is_too_long, require_short_chain
from fusion_billing.messaging.messages import RelayQueueJob, relay_job
from fusion_billing.messaging.relay_messages import DeliveriesJob, InvoicesJob, LinesJob

_MARGIN_SECONDS = 10.0


def handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    """Do the jobs of the event. Of a batch of messages, return those that failed, so that SQS delivers them again."""
    remaining = _remaining(context)
    dependencies.metrics().add_metric("RelayRuns", MetricUnit.Count, 1)
    HOPS.receive(event.get("Records", ()))
    try:
        if "Records" in event:
            return {"batchItemFailures": _work(event["Records"], remaining)}
        return dict(jobs.scheduled(event, remaining))
    finally:
        dependencies.metrics().flush_metrics()


def _work(records: list[dict[str, Any]], remaining: Callable[[], float]) -> list[dict[str, str]]:
    """Do each job once, however many messages request it."""
    failed: list[str] = []
    messages_by_job: dict[RelayQueueJob, list[str]] = {}
    for record in records:
        try:
            job = _merged(relay_job(json.loads(record["body"])))
            if _is_dropped(job, record):
                dependencies.logger().info("wake-up dropped", job=job.to_json(), hops=MAX_HOPS)
                continue
        except (FusionError, LookupError, ValueError, ChainTooLong) as error:
            failed += _report([record["messageId"]], error)
            continue
        messages_by_job.setdefault(job, []).append(record["messageId"])
    for job, messages in _together(messages_by_job):
        try:
            jobs.do(job, remaining)
        except Exception as error:  # noqa: BLE001  the other messages must be done
            failed += _report(messages, error)
    return [{"itemIdentifier": message} for message in failed]


def _is_dropped(job: RelayQueueJob, record: dict[str, Any]) -> bool:
    """Return whether a wake-up is the last of a chain of messages that is too long.

    It is dropped, since a schedule does its work within two minutes, and a busy endpoint's chain need not end. Raises
    `ChainTooLong` for any other job, which then ends among the dead letters, with an alarm.
    """
    if isinstance(job, DeliveriesJob | LinesJob):
        return is_too_long(record)
    require_short_chain(record)
    return False


def _merged(job: RelayQueueJob) -> RelayQueueJob:
    """Return the job without its details if they do not matter: all due invoices are read by one job."""
    return InvoicesJob() if isinstance(job, InvoicesJob) else job


def _together(messages_by_job: dict[RelayQueueJob, list[str]]) -> Iterator[tuple[RelayQueueJob, list[str]]]:
    """Yield the jobs with their messages: all endpoints in one job, so that none waits for another's response."""
    endpoints: dict[str, None] = {}
    waking: list[str] = []
    others = []
    for job, messages in messages_by_job.items():
        if isinstance(job, DeliveriesJob) and job.endpoints is not None:
            endpoints |= dict.fromkeys(job.endpoints)
            waking += messages
        else:
            others.append((job, messages))
    if endpoints:
        yield DeliveriesJob(endpoints=tuple(sorted(endpoints))), waking
    yield from others


def _report(messages: list[str], error: Exception) -> list[str]:
    dependencies.logger().error("job failed", messages=messages, **problem.places(error))
    return messages


def _remaining(context: LambdaContext) -> Callable[[], float]:
    return lambda: float(context.get_remaining_time_in_millis()) / 1000 - _MARGIN_SECONDS
