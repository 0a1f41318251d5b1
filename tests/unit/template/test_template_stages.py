"""Several stacks in one account: environments of samconfig.toml, names, and what a stack may be given."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

Resources = dict[str, dict[str, Any]]
Template = dict[str, Any]

SAMCONFIG = tomllib.loads((Path(__file__).parents[3] / "samconfig.toml").read_text())
ENVIRONMENTS = ("dev", "staging", "prod")
STACK_NAME = "AWS::StackName"

# The properties that name what CloudFormation would otherwise name itself.
PHYSICAL_NAME = re.compile(r"(?:\w+Name|Name|Identifier|AliasName)")

# A name within its parent, or a name of something else.
INNER_NAMES = {
    ("AWS::AppConfig::ConfigurationProfile", "Name"),
    ("AWS::ApiGatewayV2::Stage", "StageName"),
    ("AWS::ApiGatewayV2::DomainName", "DomainName"),
    ("AWS::ApiGatewayV2::ApiMapping", "DomainName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
    ("AWS::Lambda::Alias", "FunctionName"),
    ("AWS::Lambda::Alias", "Name"),
    ("AWS::Lambda::EventInvokeConfig", "FunctionName"),
    ("AWS::Lambda::EventSourceMapping", "FunctionName"),
    ("AWS::Lambda::Permission", "FunctionName"),
    ("AWS::Lambda::Version", "FunctionName"),
    ("AWS::Logs::MetricFilter", "LogGroupName"),
    ("AWS::Route53::RecordSet", "Name"),
    ("AWS::SNS::Topic", "DisplayName"),
}


def overrides(environment: str) -> dict[str, str]:
    listed = SAMCONFIG[environment]["deploy"]["parameters"].get("parameter_overrides", [])
    return dict(assignment.split("=", 1) for assignment in listed)


def test_every_name_is_the_stacks_own(resources: Resources) -> None:
    named = {
        (name, key, json.dumps(value))
        for name, resource in resources.items()
        for key, value in resource.get("Properties", {}).items()
        if PHYSICAL_NAME.fullmatch(key) and (resource["Type"], key) not in INNER_NAMES
    }

    assert {entry for entry in named if STACK_NAME not in entry[2]} == set()


def test_no_stack_exports_a_name_of_its_own_choice(template: Template) -> None:
    exported = [output["Export"]["Name"] for output in template["Outputs"].values() if "Export" in output]

    assert [name for name in exported if STACK_NAME not in json.dumps(name)] == []


def test_metrics_and_secrets_of_two_stacks_do_not_meet(resources: Resources) -> None:
    services = [
        function["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]["Fn::Sub"]
        for function in resources.values()
        if function["Type"] == "AWS::Lambda::Function"
    ]

    assert all(service.startswith("${AWS::StackName}-") for service in services)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_a_stack_of_its_own(environment: str) -> None:
    parameters = SAMCONFIG[environment]["deploy"]["parameters"]

    assert parameters["stack_name"] == parameters["s3_prefix"] == f"fusion-billing-{environment}"
    assert parameters["capabilities"] == "CAPABILITY_IAM"
    assert parameters["confirm_changeset"] is (environment != "dev")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_sets_parameters_that_exist_to_values_that_are_allowed(
    template: Template, environment: str
) -> None:
    declared = template["Parameters"]
    for name, value in overrides(environment).items():
        allowed = [str(choice) for choice in declared[name].get("AllowedValues", [value])]
        assert value in allowed, f"{name}={value}"


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_where_customers_are_requests_move_gradually(environment: str) -> None:
    assert overrides(environment)["DeploymentPreference"] != "AllAtOnce"


def test_the_configuration_names_no_machine_and_no_account() -> None:
    text = json.dumps(SAMCONFIG)

    assert re.findall(r"\"/|://|\d{12}|profile|\bregion\b", text) == []


def conditional(resources: Resources, condition: str) -> set[str]:
    return {name for name, resource in resources.items() if resource.get("Condition") == condition}


def test_a_domain_is_there_only_if_it_is_named(resources: Resources, template: Template) -> None:
    assert conditional(resources, "HasDomain") == {"ApiDomain", "ApiDomainMapping"}
    assert conditional(resources, "HasHostedZone") == {"ApiDomainRecord"}
    assert {template["Parameters"][name]["Default"] for name in ("DomainName", "CertificateArn", "HostedZoneId")} == {
        ""
    }
    assert template["Outputs"]["ApiUrl"]["Value"]["Fn::If"][0] == "HasDomain"


def test_a_budget_is_there_only_if_it_is_set_and_covers_the_stack_alone(resources: Resources) -> None:
    budget = resources["Budget"]

    assert budget["Condition"] == "HasBudget"
    assert STACK_NAME in json.dumps(budget["Properties"]["Budget"]["CostFilters"])


@pytest.mark.parametrize("name", ["Ingest", "Rate", "Relay", "Admin"])
def test_concurrency_is_reserved_only_if_asked_for(resources: Resources, template: Template, name: str) -> None:
    reserved = resources[f"{name}Function"]["Properties"]["ReservedConcurrentExecutions"]

    assert reserved == {"Fn::If": [f"Reserves{name}", {"Ref": f"{name}Concurrency"}, {"Ref": "AWS::NoValue"}]}
    assert template["Parameters"][f"{name}Concurrency"]["Default"] == 0


def test_the_tables_that_every_push_writes_can_be_warmed(resources: Resources) -> None:
    warmed = {"Fn::If": ["IsWarm", {"WriteUnitsPerSecond": {"Ref": "WarmWritesPerSecond"}}, {"Ref": "AWS::NoValue"}]}
    usage, markers = resources["UsageTable"]["Properties"], resources["MarkersTable"]["Properties"]

    by_window = resources["WindowUsageTable"]["Properties"]
    assert usage["WarmThroughput"] == by_window["WarmThroughput"] == markers["WarmThroughput"] == warmed
    assert [index["WarmThroughput"] for index in usage["GlobalSecondaryIndexes"]] == [warmed]


def test_what_a_deployment_can_get_wrong_is_refused_before_it_begins(template: Template) -> None:
    assert set(template["Rules"]) == {"SnapStartRuntime", "DomainCertificate", "BudgetEmail"}
