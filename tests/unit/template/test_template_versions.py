"""What publishes a version of a function, who calls its alias, and how requests move to a new version."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Resources = dict[str, dict[str, Any]]
Template = dict[str, Any]
Translate = Callable[..., Template]

FUNCTIONS = ("IngestFunction", "RateFunction", "RelayFunction", "AdminFunction")
GRADUAL = ("IngestFunction", "AdminFunction")
SUBSTITUTED = re.compile(r"\$\{(\w+)(?:\.\w+)?\}(?!:live)")  # but a function's own ARN with its alias


def versions(template: Template) -> dict[str, str]:
    """Return the logical ID of each function's version."""
    return {
        resource["Properties"]["FunctionName"]["Ref"]: name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


def of(resources: Resources, kind: str) -> Resources:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def references(value: object) -> Iterator[str]:
    """Yield the names that Ref, Fn::GetAtt and Fn::Sub refer to in a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0]
            elif key == "Fn::Sub":
                yield from SUBSTITUTED.findall(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_version_that_stays_and_an_alias_that_names_it(resources: Resources, function: str) -> None:
    alias = resources[f"{function}Aliaslive"]["Properties"]
    version = alias["FunctionVersion"]["Fn::GetAtt"][0]

    assert (alias["Name"], alias["FunctionName"]) == ("live", {"Ref": function})
    assert resources[version]["Type"] == "AWS::Lambda::Version"
    assert resources[version]["DeletionPolicy"] == resources[version]["UpdateReplacePolicy"] == "Retain"


def test_the_same_template_publishes_nothing(translate: Translate) -> None:
    assert versions(translate({})) == versions(translate({}))


def test_a_changed_layer_publishes_a_version_of_each_function(translate: Translate) -> None:
    def layer(template: Template) -> None:
        template["Resources"]["FusionBillingLayer"]["Properties"]["ContentUri"] = "s3://bucket/another"

    before, after = versions(translate({})), versions(translate({}, layer))

    assert set(before) == set(after) == set(FUNCTIONS)
    assert all(before[function] != after[function] for function in FUNCTIONS)


@pytest.mark.parametrize(("property_name", "value"), [("CodeUri", "s3://bucket/another"), ("MemorySize", 2048)])
def test_a_changed_property_publishes_a_version_of_its_function_alone(
    translate: Translate, property_name: str, value: object
) -> None:
    def code(template: Template) -> None:
        template["Resources"]["RateFunction"]["Properties"][property_name] = value

    before, after = versions(translate({})), versions(translate({}, code))

    assert [function for function in FUNCTIONS if before[function] != after[function]] == ["RateFunction"]


def test_a_changed_environment_publishes_versions(translate: Translate) -> None:
    def variable(template: Template) -> None:
        template["Globals"]["Function"]["Environment"]["Variables"]["ANOTHER"] = "1"

    before, after = versions(translate({})), versions(translate({}, variable))

    assert all(before[function] != after[function] for function in FUNCTIONS)


# SAM's translator looks at the reference, not at the value: the settings' revision is what changes.
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_changed_parameter_publishes_a_version(resources: Resources, function: str) -> None:
    [version] = [
        resource["Properties"]
        for resource in of(resources, "AWS::Lambda::Version").values()
        if resource["Properties"]["FunctionName"] == {"Ref": function}
    ]
    variables = resources[function]["Properties"]["Environment"]["Variables"]

    # Lambda publishes no version of a function that did not change: both must change together.
    assert "${SettingsRevision}" in version["Description"]["Fn::Sub"]
    assert variables["SETTINGS_REVISION"] == {"Ref": "SettingsRevision"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_settings_hold_all_that_a_function_refers_to(template: Template, function: str) -> None:
    resources: Resources = template["Resources"]
    properties = resources[function]["Properties"]
    configuration = {name: value for name, value in properties.items() if name != "ReservedConcurrentExecutions"}
    changing = {
        name
        for name in references(configuration)
        if name in template["Parameters"]
        or resources.get(name, {}).get("Type", "").startswith(("AWS::DynamoDB::", "AWS::SQS::", "AWS::KMS::"))
    }
    settings = set(SUBSTITUTED.findall(resources["SettingsRevision"]["Properties"]["Content"]["Fn::Sub"]))

    assert changing - settings == set(), "name it in SettingsRevision, else its change publishes no version"


def test_no_caller_names_a_function_without_its_alias(resources: Resources) -> None:
    callers = ("AWS::Scheduler::", "AWS::ApiGatewayV2::", "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping")
    named = {
        (name, function)
        for name, resource in resources.items()
        if resource["Type"].startswith(callers)
        for function in references(resource["Properties"])
        if function in FUNCTIONS
    }

    assert named == set()


def test_failed_runs_are_kept_of_the_alias(resources: Resources) -> None:
    configured = of(resources, "AWS::Lambda::EventInvokeConfig").values()

    assert [config["Properties"]["Qualifier"] for config in configured] == ["live", "live"]


def test_schedules_may_start_the_alias_alone(resources: Resources) -> None:
    granted = [
        statement["Resource"]
        for name, role in of(resources, "AWS::IAM::Role").items()
        if "Schedule" in name or name.startswith(("Rate", "Relay"))
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "lambda:InvokeFunction" in statement["Action"]
    ]

    assert granted
    assert all(str(resource["Ref"]).endswith("Aliaslive") for resource in granted)


def test_an_alarm_on_a_function_is_one_on_its_alias(resources: Resources) -> None:
    for alarm in of(resources, "AWS::CloudWatch::Alarm").values():
        dimensions = {named["Name"]: named["Value"] for named in alarm["Properties"].get("Dimensions", [])}
        if "FunctionName" in dimensions:
            assert dimensions["Resource"] == {"Fn::Sub": f"${{{dimensions['FunctionName']['Ref']}}}:live"}


def test_requests_move_at_once_unless_asked_otherwise(resources: Resources) -> None:
    assert [name for name, resource in resources.items() if "CodeDeploy" in resource["Type"]] == []
    assert "UpdatePolicy" not in json.dumps(resources)


@pytest.mark.parametrize("preference", ["Canary10Percent5Minutes", "Linear10PercentEvery1Minute"])
def test_requests_move_gradually_and_back_on_an_alarm(translate: Translate, preference: str) -> None:
    resources = translate({"DeploymentPreference": preference})["Resources"]
    groups = of(resources, "AWS::CodeDeploy::DeploymentGroup")

    assert set(groups) == {f"{function}DeploymentGroup" for function in GRADUAL}
    for function in GRADUAL:
        group = groups[f"{function}DeploymentGroup"]["Properties"]
        alarms = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
        assert alarms == {function.replace("Function", "ErrorsAlarm"), "ApiErrorsAlarm"}
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": preference}
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["DeploymentRole", "Arn"]}
        assert "CodeDeployLambdaAliasUpdate" in resources[f"{function}Aliaslive"]["UpdatePolicy"]


def test_gradual_deployments_take_no_managed_policy(translate: Translate) -> None:
    resources = translate({"DeploymentPreference": "Canary10Percent5Minutes"})["Resources"]

    assert "CodeDeployServiceRole" not in resources
    assert "ManagedPolicyArns" not in json.dumps(of(resources, "AWS::IAM::Role"))


def test_every_way_to_deploy_is_gradual_but_the_first(template: Template) -> None:
    allowed = template["Parameters"]["DeploymentPreference"]["AllowedValues"]
    gradual = {name: entry["IsGradual"] for name, entry in template["Mappings"]["Deployments"].items()}

    assert gradual == {name: name != "AllAtOnce" for name in allowed}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_snapshot_starts_only_what_a_caller_waits_for(resources: Resources, function: str) -> None:
    started = resources[function]["Properties"].get("SnapStart")

    assert started == ({"ApplyOn": {"Ref": "SnapStart"}} if function in GRADUAL else None)


def test_snapshots_are_off_unless_asked_for(template: Template) -> None:
    assert template["Parameters"]["SnapStart"]["Default"] == "None"


def test_a_function_that_starts_from_a_snapshot_has_nothing_that_forbids_it(resources: Resources) -> None:
    for function in GRADUAL:
        properties = resources[function]["Properties"]
        assert {"FileSystemConfigs", "EphemeralStorage", "ImageConfig"} & set(properties) == set()
        assert "ProvisionedConcurrencyConfig" not in resources[f"{function}Aliaslive"]["Properties"]
