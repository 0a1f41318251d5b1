"""What AWS asks for before it does a call, what the template's roles grant, and the watch that compares both."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from fusion_billing.messaging.queue import Queue
from local.rights import Grant, Use, Watch, acting, granted, uses, watched

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("operation", "arguments", "rights"),
    [
        (
            "GetItem",
            {"TableName": "t-usage", "Key": {"pk": {"S": "U#a"}}},
            {("dynamodb:GetItem", "usage", "U#a")},
        ),
        ("DescribeTable", {"TableName": "t-usage"}, {("dynamodb:DescribeTable", "usage", "")}),
        (
            "Query",
            {
                "TableName": "t-usage",
                "IndexName": "pair",
                "KeyConditionExpression": "#pair = :pair AND ws BETWEEN :start AND :end",
                "ExpressionAttributeValues": {":pair": {"S": "42#calls"}, ":start": {"S": "a"}},
            },
            {("dynamodb:Query", "usage/index/pair", "42#calls")},
        ),
        (
            "BatchGetItem",
            {"RequestItems": {"t-catalog": {"Keys": [{"pk": {"S": "METRIC"}}, {"pk": {"S": "S#1"}}]}}},
            {("dynamodb:BatchGetItem", "catalog", "METRIC"), ("dynamodb:BatchGetItem", "catalog", "S#1")},
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Update": {"TableName": "t-ratings", "Key": {"pk": {"S": "R#1"}}}},
                    {"Put": {"TableName": "t-webhooks", "Item": {"pk": {"S": "E#1"}}}},
                ]
            },
            {("dynamodb:UpdateItem", "ratings", "R#1"), ("dynamodb:PutItem", "webhooks", "E#1")},
        ),
        (
            "BatchExecuteStatement",
            {
                "Statements": [
                    {"Statement": "INSERT INTO \"t-usage\" VALUE {'q':?,'pk':?}", "Parameters": [1, {"S": "U#1"}]},
                    {"Statement": 'UPDATE "t-ratings" SET a = ? WHERE pk = ?', "Parameters": [1, {"S": "R#1"}]},
                ]
            },
            {("dynamodb:PartiQLInsert", "usage", "U#1"), ("dynamodb:PartiQLUpdate", "ratings", "R#1")},
        ),
    ],
)
def test_a_call_needs_the_rights_that_aws_asks_for(
    operation: str, arguments: dict[str, Any], rights: set[tuple[str, str, str]]
) -> None:
    assert uses("dynamodb", operation, arguments, {}) == rights


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "use"),
    [
        ("sqs", "SendMessageBatch", {"QueueUrl": "arn"}, ("sqs:SendMessage", "Named", "")),
        (
            "kms",
            "Decrypt",
            {"KeyId": "arn", "EncryptionContext": {"endpoint": "ep_1"}},
            ("kms:Decrypt", "Named", "ep_1"),
        ),
        ("secretsmanager", "GetSecretValue", {"SecretId": "arn"}, ("secretsmanager:GetSecretValue", "Named", "")),
    ],
)
def test_what_is_not_in_a_table_is_named_by_the_settings(
    service: str, operation: str, arguments: dict[str, Any], use: tuple[str, str, str]
) -> None:
    assert uses(service, operation, arguments, {"arn": "Named"}) == {use}
    assert uses(service, operation, arguments, {}) == set()


@pytest.mark.parametrize(
    ("key", "general"),
    [
        ("KEY#key_1", "KEY#*"),
        ("METRIC", "METRIC"),
        ("HISTORY#SUBSCRIPTION#42", "HISTORY#SUBSCRIPTION#*"),
        ("ep_ABC", "ep_*"),
        ("2026-11#03", "*"),
        ("", ""),
    ],
)
def test_a_use_is_recorded_for_any_object_of_its_kind(key: str, general: str) -> None:
    assert Use("action", "catalog", key).general().key == general


@pytest.mark.parametrize(("key", "is_allowed"), [("S#42", True), ("KEY#key_1", False)])
def test_a_grant_is_limited_to_its_keys(key: str, is_allowed: bool) -> None:
    grant = Grant("Sid", ("dynamodb:PutItem",), "catalog", ("S#*", "METRIC"))

    assert grant.allows(Use("dynamodb:PutItem", "catalog", key)) is is_allowed
    assert not grant.allows(Use("dynamodb:DeleteItem", "catalog", key))
    assert not grant.allows(Use("dynamodb:PutItem", "state", key))


def test_the_roles_are_read_from_the_template() -> None:
    roles = granted()

    assert set(roles) == {"ingest", "rate", "relay", "admin"}
    assert any(grant.allows(Use("dynamodb:PartiQLInsert", "usage", "U#1")) for grant in roles["ingest"])
    assert any(grant.allows(Use("dynamodb:Query", "usage/index/pair", "a")) for grant in roles["rate"])
    assert any(grant.allows(Use("kms:Decrypt", "EndpointKey", "ep_1")) for grant in roles["relay"])
    assert any(grant.allows(Use("secretsmanager:GetSecretValue", "OdooApiKeySecret", "")) for grant in roles["admin"])
    assert not any(grant.allows(Use("dynamodb:PutItem", "usage", "U#1")) for grant in roles["admin"])


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes a call that reads usage, as if it stood in the folder of a function."""
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *_: {})
    client = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")

    def made(folder: str) -> None:
        code = "client.get_item(TableName='t-usage', Key={'pk': {'S': 'U#a'}})"
        exec(compile(code, str(ROOT / folder / "somewhere.py"), "exec"), {"client": client})

    return made


@pytest.mark.parametrize(
    ("function", "noted"),
    [("ingest", {"ingest may not dynamodb:GetItem on usage with key U#a"}), ("admin", set())],
)
def test_a_call_beyond_a_function_s_role_is_noted(function: str, noted: set[str], call: Callable[[str], None]) -> None:
    with watched() as watch:
        call(f"functions/{function}")

    assert watch.beyond == noted
    assert watch.used == {(function, Use("dynamodb:GetItem", "usage", "U#*"))}


def test_a_test_s_own_call_is_not_noted_unless_it_acts_for_a_function(call: Callable[[str], None]) -> None:
    with watched() as watch:
        call("layers")
        assert watch == Watch()
        with acting("admin"):
            call("layers")

    assert watch.used == {("admin", Use("dynamodb:GetItem", "usage", "U#*"))}


def test_what_an_adapter_sends_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_QUEUE_URL", "https://relay")
    sent: list[Any] = []

    def send_message_batch(**request: Any) -> dict[str, Any]:
        sent.append(request)
        return {}

    client: Any = SimpleNamespace(send_message_batch=send_message_batch)
    message: Any = SimpleNamespace(to_json=lambda: {"job": "lines"})
    with watched() as watch, acting("ingest"):
        Queue(client, "https://relay").send([message])

    assert len(sent) == 1
    assert watch.beyond == {"ingest may not sqs:SendMessage on RelayQueue"}
