"""What AWS asks for before it does a call, and what the template's roles grant."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from local.rights import Right, granted, needed, watched


@pytest.mark.parametrize(
    ("operation", "arguments", "rights"),
    [
        ("GetItem", {"TableName": "t-usage"}, {("GetItem", "usage")}),
        ("Query", {"TableName": "t-usage", "IndexName": "pair"}, {("Query", "usage/index/pair")}),
        ("BatchGetItem", {"RequestItems": {"t-catalog": {}}}, {("BatchGetItem", "catalog")}),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Update": {"TableName": "t-ratings"}}, {"Put": {"TableName": "t-webhooks"}}]},
            {("UpdateItem", "ratings"), ("PutItem", "webhooks")},
        ),
        (
            "BatchExecuteStatement",
            {"Statements": [{"Statement": "INSERT INTO \"t-usage\" VALUE {'pk':?}"}]},
            {("PartiQLInsert", "usage")},
        ),
    ],
)
def test_a_call_needs_the_rights_that_aws_asks_for(
    operation: str, arguments: dict[str, Any], rights: set[Right]
) -> None:
    assert needed(operation, arguments) == rights


def test_the_roles_are_read_from_the_template() -> None:
    roles = granted()

    assert set(roles) == {"ingest", "rate", "relay", "admin"}
    assert ("PartiQLInsert", "usage") in roles["ingest"]
    assert ("Query", "usage/index/pair") in roles["rate"]
    assert ("PutItem", "usage") not in roles["admin"]


@pytest.mark.parametrize(("function", "noted"), [("ingest", {"ingest may not GetItem on usage"}), ("admin", set())])
def test_a_call_beyond_a_function_s_role_is_noted(
    function: str, noted: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *_: {})
    client = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    code = Path(__file__).parents[3] / "functions" / function / "somewhere.py"
    call = compile("client.get_item(TableName='t-usage', Key={})", str(code), "exec")
    with watched() as beyond:
        exec(call, {"client": client})  # as if it stood in the function's folder
    client.close()
    assert beyond == noted
