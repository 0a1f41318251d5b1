"""A table comes back under its own name, as it was, with its settings; a command that was stopped goes on."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fusion_billing import restore
from fusion_billing.dynamodb.point_in_time import COPY, PointInTime
from fusion_billing.errors import Conflict

TABLE = "stack-ratings"
AT = datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert "AWS_ENDPOINT_URL" not in os.environ
    with mock_aws():
        made: Any = boto3.client("dynamodb", region_name="us-east-1")
        made.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
        )
        made.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
        made.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        made.put_item(TableName=TABLE, Item={"pk": {"S": "kept"}})
        yield made


def restored(client: Any, *, stop_at: str = "") -> list[str]:
    reported: list[str] = []

    def report(text: str) -> None:
        reported.append(text)
        if stop_at and text.startswith(stop_at):
            raise KeyboardInterrupt

    PointInTime(client, lambda _: None, report).restore(TABLE, AT)
    return reported


def holds_all(client: Any) -> bool:
    table = client.describe_table(TableName=TABLE)["Table"]
    ttl = client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    stored = client.get_item(TableName=TABLE, Key={"pk": {"S": "kept"}}).get("Item")
    return bool(
        stored and table["DeletionProtectionEnabled"] and ttl["AttributeName"] == "ttl" and recovery == "ENABLED"
    )


def test_a_table_is_restored_under_its_name_with_its_settings(client: Any) -> None:
    reported = restored(client)

    assert [text.split()[0] for text in reported] == ["Restoring", "Backing", "Deleting", "Restoring", "Restored"]
    assert holds_all(client)
    assert client.list_tables()["TableNames"] == [TABLE]  # the copy is gone


@pytest.mark.parametrize("stop_at", ["Backing up", "Deleting", "Restoring stack-ratings from"])
def test_a_restore_that_was_stopped_goes_on(client: Any, stop_at: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        restored(client, stop_at=stop_at)
    if stop_at.startswith("Restoring"):
        assert TABLE not in client.list_tables()["TableNames"]

    reported = restored(client)

    assert not reported[0].startswith(f"Restoring {TABLE} to")  # what was restored is not restored again
    assert holds_all(client)


def test_a_table_that_is_not_there_is_named(client: Any) -> None:
    with pytest.raises(Conflict, match="Table other does not exist"):
        PointInTime(client, lambda _: None, print).restore("other", AT)


def test_the_command_restores_each_table(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert restore.main(["tables", AT.isoformat(), TABLE]) == 0
    assert f"Restored {TABLE}" in capsys.readouterr().out
    assert COPY not in "".join(client.list_tables()["TableNames"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Usage"),
        (["tables"], "Usage"),
        (["tables", "2026-11-20T09:00:00Z"], "Usage"),
        (["lines", "2026-11-20T09:00:00Z", "extra"], "Usage"),
        (["lines", "yesterday"], "yesterday"),
        (["lines", "2126-11-20T09:00:00Z"], "in the future"),
    ],
)
def test_a_command_that_is_not_one_is_explained(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("RATINGS_TABLE", raising=False)

    assert restore.main(["lines", "2026-11-20T09:00:00Z"]) == 1
    assert "RATINGS_TABLE" in capsys.readouterr().err


def test_a_table_that_is_missing_is_named(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert restore.main(["tables", AT.isoformat(), "other"]) == 1
    assert "other does not exist" in capsys.readouterr().err
    assert holds_all(client)
