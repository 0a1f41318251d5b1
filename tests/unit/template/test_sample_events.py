"""The sample events for `sam local invoke`, and the settings that `sam` takes by itself."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fusion_billing.strict_json import loads

ROOT = Path(__file__).parents[3]


def event(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["ingest", "admin"])
def test_an_http_event_is_of_payload_format_2(name: str) -> None:
    sample = event(name)

    assert sample["version"] == "2.0"
    assert sample["rawPath"] == sample["requestContext"]["http"]["path"]


def test_the_usage_event_carries_a_record_that_is_json() -> None:
    assert set(loads(event("ingest")["body"])) >= {"subscription", "metric", "quantity"}


@pytest.mark.parametrize("name", ["rate-plan", "relay", "relay-sync"])
def test_a_job_is_one_that_a_schedule_sends(name: str, resources: dict[str, dict[str, Any]]) -> None:
    inputs = [
        json.loads(schedule["Properties"]["Target"]["Input"])
        for schedule in resources.values()
        if schedule["Type"] == "AWS::Scheduler::Schedule"
    ]

    assert event(name) in inputs


def test_a_queue_event_carries_a_message() -> None:
    [record] = event("rate-work")["Records"]

    assert json.loads(record["body"])["job"] == "subscription"


def test_the_deployment_asks_for_no_more_than_unnamed_roles() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())

    assert settings["default"]["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"


def test_sam_local_can_fill_in_the_endpoint_and_a_deployment_has_none(source: dict[str, Any]) -> None:
    variables = source["Globals"]["Function"]["Environment"]["Variables"]

    assert variables["AWS_ENDPOINT_URL"] == {"Ref": "AWS::NoValue"}


def test_sam_local_meets_the_routes_before_the_functions(source: dict[str, Any]) -> None:
    kinds = [resource["Type"] for resource in source["Resources"].values()]

    assert kinds.index("AWS::ApiGatewayV2::Route") < kinds.index("AWS::Serverless::Function")


@pytest.mark.parametrize("command", ["local_invoke", "local_start_api", "local_start_lambda"])
def test_sam_local_finds_the_settings_that_make_run_writes(command: str) -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"][command]["parameters"]

    assert settings["env_vars"] == ".local/run/sam-local.json"
    assert settings["add_host"].startswith("host.docker.internal:")
    assert settings["skip_pull_image"] is True


def test_no_tracked_event_holds_a_key() -> None:
    assert "fb_REPLACE_WITH_THE_DEMO_KEY" in event("ingest")["headers"]["authorization"]
