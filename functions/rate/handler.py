"""Handle events of the rate function: schedules go to the planner, queue messages to the worker."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.rate import dependencies, planner
from fusion_billing.http import problem
from fusion_billing.json_types import JsonObject
from fusion_billing.lambda_context import LambdaContext
from fusion_billing.messaging.hops import HOPS, require_short_chain
from fusion_billing.messaging.messages import rating_job

_MARGIN_MILLISECONDS = 20_000


def handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    """Plan, or do a batch of messages; SQS delivers again only those that failed."""
    if "Records" in event:
        return _work(event["Records"], context)
    HOPS.receive([])
    return _schedule(event)


def _schedule(event: dict[str, Any]) -> dict[str, Any]:
    if event.get("job") == "sweep":
        messages = planner.sweep(dependencies.queue())
        _publish(SweepsPlanned=1)
        return {"messages": messages}
    if event.get("job") != "plan":
        raise ValueError(f"{event.get('job')!r} is not a job of the schedule")
    hours = planner.plan(
        dependencies.planner_state(),
        dependencies.queue(),
        now=dependencies.now(),
        shards=dependencies.shards(),
        settling_time=dependencies.settling_time(),
        cadence=dependencies.rating_cadence(),
    )
    _publish(HoursPlanned=hours.count)
    dependencies.logger().info("hours planned", hours=hours.count, last=hours.last)
    return {"hours": hours.count}


def _work(records: list[dict[str, Any]], context: LambdaContext) -> dict[str, Any]:
    has_time = _has_time(context)
    failed = [{"itemIdentifier": record["messageId"]} for record in records if not _do(record, has_time)]
    return {"batchItemFailures": failed}


def _do(record: dict[str, Any], has_time: Callable[[], bool]) -> bool:
    HOPS.receive([record])
    try:
        require_short_chain(record)
        message = json.loads(record["body"])
        job = rating_job(message)
        statistics = dependencies.worker().do(job, has_time=has_time, attempt=_attempt(record))
    except Exception as error:  # noqa: BLE001  one failing message must not stop the others
        _report(record["messageId"], error)
        return False
    _publish(PairsRated=statistics.evaluated, RatingFailures=statistics.failed)
    dependencies.logger().info("message done", job=message, counts=statistics.as_counts())
    return True


def _attempt(record: dict[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _publish(**counts: int) -> None:
    metrics = dependencies.metrics()
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()


def _report(message_id: str, error: Exception) -> None:
    dependencies.logger().error("message failed", message_id=message_id, **problem.places(error))


def _has_time(context: LambdaContext) -> Callable[[], bool]:
    return lambda: context.get_remaining_time_in_millis() > _MARGIN_MILLISECONDS
