"""What wakes a person, and who is woken."""

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fusion_billing.metering.outcome import ACCEPTED, CONFLICT, INVALID, UNAVAILABLE

Resources = dict[str, dict[str, Any]]

OUTCOMES = {*ACCEPTED, CONFLICT, INVALID, UNAVAILABLE}
FUNCTIONS = Path(__file__).parents[3] / "functions"


def every_alarm(resources: Resources) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::CloudWatch::Alarm"]


def alarms(resources: Resources) -> list[dict[str, Any]]:
    """Return every alarm on a metric, those by way of an expression as if they named the metric themselves."""
    return [
        {**alarm, **flat(query["MetricStat"])}
        for alarm in every_alarm(resources)
        for query in alarm.get("Metrics", [{"MetricStat": None}])
        if "MetricStat" in query
    ]


def flat(stat: dict[str, Any] | None) -> dict[str, Any]:
    return {} if stat is None else {**stat["Metric"], "Statistic": stat["Stat"], "Period": stat["Period"]}


def queries(resources: Resources) -> list[str]:
    """Return the expressions of alarms on tables."""
    return [
        query["Expression"]["Fn::Sub"]
        for alarm in every_alarm(resources)
        for query in alarm.get("Metrics", [])
        if "SELECT" in json.dumps(query)
    ]


def dimension(alarm: dict[str, Any], name: str) -> Any:
    return next((d["Value"] for d in alarm.get("Dimensions", []) if d["Name"] == name), None)


def test_every_alarm_reaches_the_topic(resources: Resources) -> None:
    for alarm in every_alarm(resources):
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_every_dead_letter_queue_is_watched(resources: Resources) -> None:
    queues = {
        target["Fn::GetAtt"][0]
        for alarm in alarms(resources)
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible" and (target := dimension(alarm, "QueueName"))
    }

    assert queues == {"RatingDeadLetters", "RelayDeadLetters", "ScheduleDeadLetters"}


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(resources: Resources, metric: str) -> None:
    watched = {dimension(alarm, "FunctionName")["Ref"] for alarm in alarms(resources) if alarm["MetricName"] == metric}

    assert watched == {"IngestFunction", "RateFunction", "RelayFunction", "AdminFunction"}


@pytest.mark.parametrize(
    "metric",
    ["HoursPlanned", "SweepsPlanned", "OldestDueDeliverySeconds", "SubscriptionSyncs", "LinesCompared"],
)
def test_silence_of_a_schedule_is_an_alarm(resources: Resources, metric: str) -> None:
    silent = [
        alarm for alarm in alarms(resources) if alarm["MetricName"] == metric and alarm["Statistic"] == "SampleCount"
    ]

    [alarm] = silent
    [filled] = [query for query in alarm["Metrics"] if query.get("ReturnData")]
    # Without any run there is nothing to fill, and the state stays: no alarm before the first run is due.
    assert (filled["Expression"], alarm["TreatMissingData"]) == ("FILL(runs, 0)", "ignore")
    assert alarm["DatapointsToAlarm"] < alarm["EvaluationPeriods"]  # so that a run is among them


def test_no_alarm_of_a_fresh_stack_takes_missing_data_for_a_fault(resources: Resources) -> None:
    assert {alarm["TreatMissingData"] for alarm in every_alarm(resources)} == {"notBreaching", "ignore"}


@pytest.mark.parametrize(("queue", "seconds"), [("RatingQueue", 7200), ("RelayQueue", 900)])
def test_messages_that_wait_too_long_are_an_alarm(resources: Resources, queue: str, seconds: int) -> None:
    [alarm] = [
        alarm
        for alarm in alarms(resources)
        if alarm.get("MetricName") == "ApproximateAgeOfOldestMessage"
        and dimension(alarm, "QueueName") == {"Fn::GetAtt": [queue, "QueueName"]}
    ]

    assert alarm["Threshold"] == seconds


@pytest.mark.parametrize("metric", ["ThrottledRequests", "SystemErrors"])
def test_every_table_with_its_indexes_is_watched(resources: Resources, metric: str) -> None:
    tables = {name for name, resource in resources.items() if resource["Type"] == "AWS::DynamoDB::Table"}
    expected = {
        f"SELECT SUM({metric}) FROM \"AWS/DynamoDB\" WHERE TableName = '${{{table}}}'" for table in tables
    }  # without SCHEMA: whatever the other dimensions are

    assert expected <= set(queries(resources))


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_every_outcome_of_ingest_is_counted_from_its_log(resources: Resources, outcome: str) -> None:
    filters = [
        resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::Logs::MetricFilter"
    ]
    [found] = [made for made in filters if made["FilterPattern"] == f"{{ $.outcomes.{outcome} = * }}"]
    [transformation] = found["MetricTransformations"]

    assert found["LogGroupName"] == {"Ref": "IngestLogs"}
    assert transformation["MetricValue"] == f"$.outcomes.{outcome}"
    counted_as = {True: "UsageAccepted", False: "UsageRejected"}[outcome in ACCEPTED]
    assert transformation["MetricName"] == ("UsageUnavailable" if outcome == UNAVAILABLE else counted_as)


def test_the_dashboard_shows_every_area_and_metrics_that_are_published(resources: Resources) -> None:
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    headings = [w["properties"]["markdown"] for w in body["widgets"] if w["type"] == "text"]
    shown = {
        (metric[3].removeprefix("${AWS::StackName}-"), metric[1])
        for widget in body["widgets"]
        for metric in widget["properties"].get("metrics", [])
        if metric[0] == "FusionBilling"
    }

    assert [heading.split()[1] for heading in headings] == ["Ingest", "Rating", "Relay", "Webhooks", "Cost"]
    assert shown - published() == set()


@pytest.mark.parametrize(
    ("metric", "function"),
    [
        ("RatingFailures", "RateFunction"),
        ("LinesFailed", "RelayFunction"),
        ("FinalInvoices", "RelayFunction"),
        ("LinesChanged", "RelayFunction"),
        ("DeliveriesFailed", "RelayFunction"),
        ("OldestDueDeliverySeconds", "RelayFunction"),
        ("OdooAuthErrors", "RelayFunction"),
        ("OdooUnavailable", "RelayFunction"),
        ("SubscriptionsSkipped", "RelayFunction"),
        ("PaymentExceptions", "RelayFunction"),
        ("OdooKeyDaysLeft", "RelayFunction"),
    ],
)
def test_what_goes_wrong_inside_is_watched_under_the_name_it_is_reported_by(
    resources: Resources, metric: str, function: str
) -> None:
    variables = resources[function]["Properties"]["Environment"]["Variables"]
    watched = [
        alarm
        for alarm in alarms(resources)
        if alarm["MetricName"] == metric and alarm["TreatMissingData"] == "notBreaching"
    ]

    assert len(watched) == 1
    assert watched[0]["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
    assert dimension(watched[0], "service") == variables["POWERTOOLS_SERVICE_NAME"]


def published_by(function: str) -> Iterator[str]:
    """Yield the names of the metrics that a function publishes."""
    for source in (FUNCTIONS / function).rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Attribute) and node.func.attr == "add_metric":
                yield from (str(name.value) for name in node.args[:1] if isinstance(name, ast.Constant))
            if isinstance(node.func, ast.Name) and node.func.id in {"_publish", "_tell"}:
                yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def published() -> set[tuple[str, str]]:
    """Return the service and name of every metric: those of functions, and those read from the log of ingest."""
    counted = {("ingest", name) for name in ("UsageAccepted", "UsageRejected", "UsageUnavailable")}
    return counted | {(service, name) for service in ("rate", "relay") for name in published_by(service)}


def test_every_alarm_watches_a_metric_that_is_published(resources: Resources) -> None:
    watched = {
        (dimension(alarm, "service")["Fn::Sub"].removeprefix("${AWS::StackName}-"), alarm["MetricName"])
        for alarm in alarms(resources)
        if alarm.get("Namespace") == "FusionBilling"
    }

    assert watched
    assert watched - published() == set()


@pytest.mark.parametrize("function", ["rate", "relay"])
def test_metrics_are_published_with_the_dimensions_that_alarms_name(
    resources: Resources, function: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = resources[f"{function.title()}Function"]["Properties"]["Environment"]["Variables"]
    service = variables["POWERTOOLS_SERVICE_NAME"]["Fn::Sub"]
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", variables["POWERTOOLS_METRICS_NAMESPACE"])
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", service)
    metrics = importlib.import_module(f"functions.{function}.dependencies").metrics.__wrapped__()
    metrics.add_metric("LinesFailed", "Count", 1)
    metrics.flush_metrics()
    published = json.loads(capsys.readouterr().out)
    [directive] = published["_aws"]["CloudWatchMetrics"]
    named = {tuple(d["Name"] for d in alarm["Dimensions"]) for alarm in alarms_of(resources, service)}

    assert published["service"] == service
    assert (directive["Namespace"], directive["Dimensions"]) == ("FusionBilling", [["service"]])
    assert named == {("service",)}


def alarms_of(resources: Resources, service: str) -> list[dict[str, Any]]:
    return [alarm for alarm in alarms(resources) if dimension(alarm, "service") == {"Fn::Sub": service}]
