"""The relay function's entry: by schedule, or nudged by the queue; told apart by the event.

`{"job": "relay"}` sends due lines, then due deliveries; `{"job": "sync", "full"?}` reads subscriptions. The
queue's messages ask for the same at once: `{"job": "lines" | "deliveries" | "sync"}`, and
`{"job": "invoices", "subscription", "period_start"}` to read what is billed of a period just closed,
`{"job": "close", "subscription", "period_start"}` to close the last period of an ended subscription, and
`{"job": "guard", ...}` (`functions.relay.guard_run`) to compare order lines with what was rated.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from functions.relay import dependencies, jobs
from fusion_billing.http import problem

_MARGIN_SECONDS = 10.0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do what the event asks; of a batch of messages, those that failed come again, and only those."""
    remaining = _remaining(context)
    dependencies.metrics().add_metric("RelayRuns", MetricUnit.Count, 1)
    try:
        if "Records" in event:
            return {"batchItemFailures": _nudged(event["Records"], remaining)}
        return jobs.scheduled(event, remaining)
    finally:
        dependencies.metrics().flush_metrics()


def _nudged(records: list[dict[str, Any]], remaining: Callable[[], float]) -> list[dict[str, str]]:
    """Do each thing asked for once, however many messages ask for it."""
    asking: dict[str, list[str]] = {}
    for body, messages in _together(records):
        asking.setdefault(body, []).extend(messages)
    failed = []
    for body, messages in asking.items():
        try:
            jobs.nudged(json.loads(body), remaining)
        except Exception as error:  # noqa: BLE001  whatever one message runs into, the others are done
            dependencies.logger().error("a message was not done", messages=messages, **problem.places(error))
            failed += messages
    return [{"itemIdentifier": message} for message in failed]


def _together(records: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Yield what is asked for and by whom: all endpoints as one, none of which waits for another's answer.

    Invoices of many periods are read in one go too.
    """
    endpoints: dict[str, list[str]] = {}
    others: list[tuple[str, list[str]]] = []
    invoices: list[str] = []
    for record in records:
        endpoint = _named(record["body"], "deliveries", "endpoint")
        if endpoint is not None:
            endpoints.setdefault(endpoint, []).append(record["messageId"])
        elif _named(record["body"], "invoices", "subscription") is not None:
            invoices.append(record["messageId"])
        else:
            others.append((record["body"], [record["messageId"]]))
    if invoices:
        yield json.dumps({"job": "invoices"}), invoices
    if endpoints:
        messages = [message for asking in endpoints.values() for message in asking]
        yield json.dumps({"job": "deliveries", "endpoints": sorted(endpoints)}), messages
    yield from others


def _named(body: str, job: str, field: str) -> str | None:
    """Return what a message for that job names in `field`, None where it asks for something else."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    named = message.get(field) if isinstance(message, dict) else None
    return named if isinstance(named, str) and message.get("job") == job else None


def _remaining(context: Any) -> Callable[[], float]:
    return lambda: float(context.get_remaining_time_in_millis()) / 1000 - _MARGIN_SECONDS
