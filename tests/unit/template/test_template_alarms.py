"""What wakes a person, and who is woken."""

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Resources = dict[str, dict[str, Any]]

FUNCTIONS = Path(__file__).parents[3] / "functions"


def alarms(resources: Resources) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::CloudWatch::Alarm"]


def dimension(alarm: dict[str, Any], name: str) -> Any:
    return next((d["Value"] for d in alarm.get("Dimensions", []) if d["Name"] == name), None)


def test_every_alarm_reaches_the_topic(resources: Resources) -> None:
    for alarm in alarms(resources):
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

    assert [alarm["TreatMissingData"] for alarm in silent] == ["breaching"]


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


def test_every_alarm_watches_a_metric_that_is_published(resources: Resources) -> None:
    published = {(service, name) for service in ("rate", "relay") for name in published_by(service)}
    watched = {
        (dimension(alarm, "service")["Fn::Sub"].removeprefix("${AWS::StackName}-"), alarm["MetricName"])
        for alarm in alarms(resources)
        if alarm["Namespace"] == "FusionBilling"
    }

    assert watched
    assert watched - published == set()


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
