"""What wakes a person, and who is woken."""

from typing import Any

import pytest

Resources = dict[str, dict[str, Any]]


def alarms(resources: Resources) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]


def dimension(alarm: dict[str, Any], name: str) -> Any:
    return next((d["Value"] for d in alarm.get("Dimensions", []) if d["Name"] == name), None)


def test_every_alarm_reaches_the_topic(resources: Resources) -> None:
    for alarm in alarms(resources):
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_every_dead_letter_queue_is_watched(resources: Resources) -> None:
    queues = {
        target["Fn::GetAtt"][0]
        for alarm in alarms(resources)
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        and (target := dimension(alarm, "QueueName"))
    }

    assert queues == {"RatingDeadLetters", "RelayDeadLetters", "ScheduleDeadLetters"}


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(resources: Resources, metric: str) -> None:
    watched = {
        dimension(alarm, "FunctionName")["Ref"]
        for alarm in alarms(resources)
        if alarm["MetricName"] == metric
    }

    assert watched == {"IngestFunction", "RateFunction", "RelayFunction", "AdminFunction"}


@pytest.mark.parametrize("metric", ["HoursPlanned", "OldestDueDeliverySeconds"])
def test_silence_of_a_schedule_is_an_alarm(resources: Resources, metric: str) -> None:
    silent = [
        alarm
        for alarm in alarms(resources)
        if alarm["MetricName"] == metric and alarm["Statistic"] == "SampleCount"
    ]

    assert [alarm["TreatMissingData"] for alarm in silent] == ["breaching"]


@pytest.mark.parametrize(
    ("metric", "function"),
    [
        ("PairsFailed", "RateFunction"),
        ("LinesParked", "RelayFunction"),
        ("DeliveriesParked", "RelayFunction"),
        ("OldestDueDeliverySeconds", "RelayFunction"),
        ("OdooAlarms", "RelayFunction"),
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
