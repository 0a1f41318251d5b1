"""What the functions are, what calls them, and what keeps their data and their logs."""

import json
from typing import Any

import pytest

Resources = dict[str, dict[str, Any]]

LASTING = ("UsageTable", "WindowUsageTable", "CatalogueTable", "RatingsTable", "WebhooksTable")
PASSING = ("MarkersTable", "StateTable")


def of(resources: Resources, kind: str) -> Resources:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def test_functions_run_on_arm64_by_default(template: dict[str, Any]) -> None:
    assert template["Parameters"]["Architecture"]["Default"] == "arm64"
    for function in of(template["Resources"], "AWS::Lambda::Function").values():
        assert function["Properties"]["Architectures"] == [{"Ref": "Architecture"}]


def test_functions_are_traced_without_a_library_of_their_own(resources: Resources) -> None:
    for function in of(resources, "AWS::Lambda::Function").values():
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}


def test_functions_log_json_into_a_group_of_their_own_that_forgets(resources: Resources) -> None:
    groups = []
    for function in of(resources, "AWS::Lambda::Function").values():
        logging = function["Properties"]["LoggingConfig"]
        assert logging["LogFormat"] == "JSON"
        groups.append(logging["LogGroup"]["Ref"])

    assert len(set(groups)) == 4
    for group in of(resources, "AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_handlers_are_found_by_the_same_path_as_in_tests(resources: Resources) -> None:
    handlers = {function["Properties"]["Handler"] for function in of(resources, "AWS::Lambda::Function").values()}

    assert handlers == {f"functions.{name}.handler.handler" for name in ("ingest", "rate", "relay", "admin")}


@pytest.mark.parametrize("name", [*LASTING, *PASSING])
def test_tables_are_on_demand_encrypted_and_restorable(resources: Resources, name: str) -> None:
    table = resources[name]["Properties"]

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("name", LASTING)
def test_tables_where_data_lives_stay(resources: Resources, name: str) -> None:
    assert resources[name]["Properties"]["DeletionProtectionEnabled"] is True
    assert resources[name]["DeletionPolicy"] == "Retain"
    assert resources[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", [*PASSING, "WebhooksTable"])
def test_what_may_go_goes_by_itself(resources: Resources, name: str) -> None:
    assert resources[name]["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "ttl",
        "Enabled": True,
    }


def test_schedules_retry_and_leave_what_failed_in_a_dead_letter_queue(resources: Resources) -> None:
    schedules = of(resources, "AWS::Scheduler::Schedule")

    assert len(schedules) == 7
    for schedule in schedules.values():
        target = schedule["Properties"]["Target"]
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}


@pytest.mark.parametrize(
    ("expression", "job"),
    [
        ("cron(6 * * * ? *)", {"job": "plan"}),
        ("cron(36 2 * * ? *)", {"job": "sweep"}),
        ("rate(2 minutes)", {"job": "relay"}),
        ("rate(10 minutes)", {"job": "sync"}),
        ("cron(51 1 * * ? *)", {"job": "sync", "full": True}),
    ],
)
def test_each_job_has_its_schedule(resources: Resources, expression: str, job: dict[str, Any]) -> None:
    found = [
        json.loads(schedule["Properties"]["Target"]["Input"])
        for schedule in of(resources, "AWS::Scheduler::Schedule").values()
        if schedule["Properties"]["ScheduleExpression"] == expression
    ]

    assert found == [job]


@pytest.mark.parametrize(("queue", "function"), [("RatingQueue", "RateFunction"), ("RelayQueue", "RelayFunction")])
def test_queues_are_worked_with_partial_failures(resources: Resources, queue: str, function: str) -> None:
    [mapping] = [
        mapping["Properties"]
        for mapping in of(resources, "AWS::Lambda::EventSourceMapping").values()
        if mapping["Properties"]["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    ]

    assert mapping["FunctionName"] == {"Ref": f"{function}Aliaslive"}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # The local cloud takes a number here, not a parameter, which would reach it as text.
    assert isinstance(mapping["ScalingConfig"]["MaximumConcurrency"], int)


@pytest.mark.parametrize(("queue", "function"), [("RatingQueue", "RateFunction"), ("RelayQueue", "RelayFunction")])
def test_a_message_stays_hidden_for_six_time_outs_and_is_never_lost(
    resources: Resources, queue: str, function: str
) -> None:
    properties = resources[queue]["Properties"]

    assert properties["VisibilityTimeout"] >= 6 * resources[function]["Properties"]["Timeout"]
    assert "deadLetterTargetArn" in properties["RedrivePolicy"]


def test_the_api_is_native_throttled_and_logged(resources: Resources) -> None:
    stage = resources["HttpStage"]["Properties"]

    assert resources["HttpApi"]["Type"] == "AWS::ApiGatewayV2::Api"
    assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(stage["DefaultRouteSettings"])
    assert json.loads(stage["AccessLogSettings"]["Format"])["status"] == "$context.status"
    assert stage["StageName"] == "$default"


@pytest.mark.parametrize(("route", "function"), [("POST /v1/usage", "IngestFunction"), ("$default", "AdminFunction")])
def test_each_route_leads_to_its_function_and_may_call_it(resources: Resources, route: str, function: str) -> None:
    [found] = [
        resource["Properties"]
        for resource in of(resources, "AWS::ApiGatewayV2::Route").values()
        if resource["Properties"]["RouteKey"] == route
    ]
    integration = resources[found["Target"]["Fn::Sub"].split("{")[1].rstrip("}")]["Properties"]
    permissions = [
        permission["Properties"]["SourceArn"]["Fn::Sub"]
        for permission in of(resources, "AWS::Lambda::Permission").values()
        if permission["Properties"]["FunctionName"] == {"Ref": f"{function}Aliaslive"}
    ]

    # Not the alias's own ARN: `sam local start-api` would find no function behind the route.
    assert f"functions/${{{function}.Arn}}:live/invocations" in integration["IntegrationUri"]["Fn::Sub"]
    assert integration["PayloadFormatVersion"] == "2.0"
    assert [permission.endswith(f"${{HttpApi}}/*/{route.replace(' ', '')}") for permission in permissions] == [True]


def test_runs_that_fail_for_good_are_kept(resources: Resources) -> None:
    configured = {
        config["Properties"]["FunctionName"]["Ref"]: config["Properties"]["DestinationConfig"]["OnFailure"]
        for config in of(resources, "AWS::Lambda::EventInvokeConfig").values()
    }

    assert set(configured) == {"RateFunction", "RelayFunction"}


@pytest.mark.parametrize("function", ["RateFunction", "RelayFunction"])
def test_messages_that_continue_others_are_a_loop_that_is_allowed(resources: Resources, function: str) -> None:
    assert resources[function]["Properties"]["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize("function", ["IngestFunction", "AdminFunction"])
def test_no_other_function_may_loop(resources: Resources, function: str) -> None:
    assert "RecursiveLoop" not in resources[function]["Properties"]
