"""Who may do what: one role a function, each action and each resource by name."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

Resources = dict[str, dict[str, Any]]

FUNCTIONS = {"IngestFunction", "RateFunction", "RelayFunction", "AdminFunction"}

# What may stand for every resource: X-Ray knows none to name, and CloudWatch lists the alarms of the account only.
NAMELESS = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "cloudwatch:DescribeAlarms"}


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in role["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def actions(statement: dict[str, Any]) -> list[str]:
    listed = statement["Action"]
    return [listed] if isinstance(listed, str) else listed


def of(resources: Resources, kind: str) -> Resources:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def allowed(resources: Resources, role: str, table: str) -> set[str]:
    return {
        action
        for statement in statements(resources[role])
        if f'"{table}' in json.dumps(statement["Resource"]) or f"${{{table}." in json.dumps(statement["Resource"])
        for action in actions(statement)
    }


def test_each_function_has_a_role_of_its_own(resources: Resources) -> None:
    roles = [
        function["Properties"]["Role"]["Fn::GetAtt"][0] for function in of(resources, "AWS::Lambda::Function").values()
    ]

    assert set(of(resources, "AWS::Lambda::Function")) == FUNCTIONS
    assert len(set(roles)) == len(FUNCTIONS)


def test_no_role_has_a_wildcard_action(resources: Resources) -> None:
    wild = [
        (name, action)
        for name, role in of(resources, "AWS::IAM::Role").items()
        for statement in statements(role)
        for action in actions(statement)
        if "*" in action
    ]

    assert wild == []


def test_no_role_takes_a_managed_policy(resources: Resources) -> None:
    managed = {
        name: role["Properties"].get("ManagedPolicyArns")
        for name, role in of(resources, "AWS::IAM::Role").items()
        if role["Properties"].get("ManagedPolicyArns")
    }

    assert managed == {}


def test_no_policy_template_of_sam_is_used(source: dict[str, Any]) -> None:
    assert "CrudPolicy" not in json.dumps(source)
    assert [name for name in FUNCTIONS if "Policies" in source["Resources"][name]["Properties"]] == []


def test_every_statement_names_its_resource(resources: Resources) -> None:
    nameless = [
        (name, statement["Sid"])
        for name, role in of(resources, "AWS::IAM::Role").items()
        for statement in statements(role)
        if "*" in json.dumps(statement["Resource"]) and not set(actions(statement)) <= NAMELESS
    ]

    assert nameless == []


def test_nobody_scans(resources: Resources) -> None:
    assert "Scan" not in json.dumps(of(resources, "AWS::IAM::Role"))


def test_admin_voids_usage_and_marks_it_and_writes_no_more(resources: Resources) -> None:
    assert allowed(resources, "AdminRole", "UsageTable") == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
    assert allowed(resources, "AdminRole", "WindowUsageTable") == {
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
    assert allowed(resources, "AdminRole", "MarkersTable") == {
        "dynamodb:DescribeTable",
        "dynamodb:Query",
        "dynamodb:PutItem",
    }


def test_the_audit_log_is_only_added_to(resources: Resources) -> None:
    assert allowed(resources, "AdminRole", "AuditTable") == {"dynamodb:PutItem", "dynamodb:Query"}
    assert allowed(resources, "IngestRole", "AuditTable") == {"dynamodb:PutItem"}
    assert all(allowed(resources, role, "AuditTable") == set() for role in ("RateRole", "RelayRole"))


@pytest.mark.parametrize("role", ["RateRole", "RelayRole"])
def test_only_ingest_and_admin_write_usage(resources: Resources, role: str) -> None:
    for table in ("UsageTable", "WindowUsageTable"):
        assert allowed(resources, role, table) <= {
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
        }


def test_ingest_only_counts_in_the_state_table(resources: Resources) -> None:
    assert allowed(resources, "IngestRole", "StateTable") == {"dynamodb:UpdateItem"}


@pytest.mark.parametrize("table", ["RatingsTable", "WebhooksTable"])
def test_ingest_knows_no_other_table(resources: Resources, table: str) -> None:
    assert allowed(resources, "IngestRole", table) == set()


def test_ingest_reads_only_what_its_inserts_found_to_be_there(resources: Resources) -> None:
    for table in ("UsageTable", "WindowUsageTable"):
        assert allowed(resources, "IngestRole", table).isdisjoint({"dynamodb:GetItem", "dynamodb:Query"})


def test_only_relay_and_admin_reach_secrets(resources: Resources) -> None:
    reaching = {
        name
        for name, role in of(resources, "AWS::IAM::Role").items()
        for statement in statements(role)
        for action in actions(statement)
        if action.startswith(("kms:", "secretsmanager:"))
    }

    assert reaching == {"RelayRole", "AdminRole"}


def test_the_key_of_endpoint_secrets_names_every_action(resources: Resources) -> None:
    policy = resources["EndpointKey"]["Properties"]["KeyPolicy"]

    assert [action for statement in policy["Statement"] for action in actions(statement) if "*" in action] == []
    assert resources["EndpointKey"]["Properties"]["EnableKeyRotation"] is True


def test_secrets_are_arns_in_the_environment(resources: Resources) -> None:
    for function in of(resources, "AWS::Lambda::Function").values():
        variables = function["Properties"]["Environment"]["Variables"]
        secret = {name for name in variables if "KEY" in name or "SECRET" in name or "PASSWORD" in name}
        assert secret <= {"ODOO_API_KEY_SECRET_ARN", "ENDPOINT_KEY_ARN", "PORTAL_SECRET_ARN"}


def test_the_setting_that_allows_loopback_webhooks_is_not_in_the_template(source: dict[str, Any]) -> None:
    assert "LOOPBACK" not in json.dumps(source).upper()
