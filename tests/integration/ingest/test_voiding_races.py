"""Pushes and voidings of one key at once, from several processes: one order of all of them, none lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fusion_billing.dynamodb.usage.metric_keying import BY_WINDOW, KEYING, MetricKeying
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from fusion_billing.dynamodb.usage.reading import UsageReader

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 60

Make = Callable[..., dict[str, Any]]

KEYS = {"api_calls": "k1", "logins": "window~42~logins~20261103T000000Z~20261104T000000Z"}

# Hands each event on its standard input, one a line, to a handler; prints each response.
CALLER = """
import json, sys
from functions.{function}.handler import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 30_000

print("ready", flush=True)
for line in sys.stdin:
    response = handler(json.loads(line), Context())
    sys.stderr.write(json.dumps([response["statusCode"], json.loads(response["body"])]) + "\\n")
"""


class Caller:
    """A process of its own with a function in it, as a container is."""

    def __init__(self, function: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CALLER.format(function=function)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def give(self, events: Iterator[dict[str, Any]]) -> None:
        """Hand the events over; they are taken as fast as they go, without waiting here."""
        assert self._process.stdin is not None
        self._process.stdin.writelines(json.dumps(event) + "\n" for event in events)
        self._process.stdin.flush()

    def responses(self) -> list[tuple[int, Any]]:
        """Wait until all is done and return the responses."""
        _, lines = self._process.communicate(timeout=180)
        assert self._process.returncode == 0, lines
        return [tuple(json.loads(line)) for line in lines.splitlines()]


@pytest.fixture
def caller(ingest: Any, dynamodb_url: str) -> Callable[[str], Caller]:
    environment = {
        **os.environ,
        **ingest.tables.environment(),
        "AWS_ENDPOINT_URL": dynamodb_url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    return lambda function: Caller(function, environment)


def pushes(key: str, records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        yield {"headers": {"authorization": f"Bearer {key}"}, "body": json.dumps(record)}


def voidings(key: str, count: int, idempotency_key: str) -> Iterator[dict[str, Any]]:
    http = {"method": "DELETE", "path": f"/v1/usage/{idempotency_key}"}
    for _ in range(count):
        yield {
            "version": "2.0",
            "rawPath": f"/v1/usage/{idempotency_key}",
            "headers": {"authorization": f"Bearer {key}"},
            "requestContext": {"stage": "$default", "http": http},
        }


@pytest.fixture(params=["api_calls", "logins"])
def metric(ingest: Any, request: pytest.FixtureRequest) -> str:
    """A metric, whose records are keyed by the app, or by window."""
    name: str = request.param
    if name == "logins":
        item: Any = {"pk": {"S": "METRIC"}, "sk": {"S": name}, "doc": {"S": "{}"}, "version": {"N": "1"}}
        ingest.client.put_item(TableName=ingest.tables.catalog, Item={**item, KEYING: {"S": BY_WINDOW}})
    return name


@pytest.fixture
def record(record: Make, metric: str) -> Make:
    """Make a record of the metric, of one window."""
    return lambda **changes: record(metric=metric, idempotency_key=KEYS[metric], **changes)


def check(ingest: Any, metric: str, responses: list[tuple[int, Any]]) -> dict[str, list[int]]:
    """Hold the stored record against what was answered; return the revisions of each outcome."""
    assert {status for status, _ in responses} == {200}
    revisions: dict[str, list[int]] = {}
    for _, body in responses:
        revisions.setdefault(body["outcome"], []).append(body["revision"])
    keying = MetricKeying(ingest.client, ingest.tables.catalog)
    stores = ingest.client, ingest.tables.usage, ingest.tables.window_usage, keying
    record = UsageReader(*stores).get("src_app", KEYS[metric])
    assert record is not None
    written = sorted([1, *revisions.get("updated", []), *revisions.get("voided", [])])
    assert written == list(range(1, record.revision + 1)), "each revision was answered once"
    voided = set(revisions.get("voided", []))
    assert [r.number in voided for r in record.history] == [r.voided for r in record.history]
    assert record.voided == (record.revision in voided)
    month = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    counted = list(UsageRecords(*stores).between("42", metric, *month))
    assert len(counted) == (0 if record.voided else 1)
    return revisions


def test_pushes_and_voidings_at_once_take_one_order(
    ingest: Any, metric: str, record: Make, caller: Callable[[str], Caller]
) -> None:
    ingest.source("operator", scopes={"admin"})
    ingest.push(record(quantity="1"))
    pusher, corrector, voider, app = caller("ingest"), caller("ingest"), caller("admin"), ingest.keys["app"]
    pusher.give(pushes(app, [record(quantity=n) for n in range(2, ROUNDS)]))
    corrections = [record(quantity=1000 + n, source="src_app") for n in range(ROUNDS)]
    corrector.give(pushes(ingest.keys["operator"], corrections))
    voider.give(voidings(app, ROUNDS, KEYS[metric]))
    responses = [response for each in (pusher, corrector, voider) for response in each.responses()]
    revisions = check(ingest, metric, responses)
    assert len(revisions["updated"]) == 2 * ROUNDS - 2, "no two quantities are the same: each push counted"
    assert revisions["voided"]


def test_a_late_push_never_brings_a_voided_record_back(
    ingest: Any, metric: str, record: Make, caller: Callable[[str], Caller]
) -> None:
    ingest.push(record(quantity="1", sequence=100))
    pusher, voider, app = caller("ingest"), caller("admin"), ingest.keys["app"]
    pusher.give(pushes(app, [record(quantity=n, sequence=n) for n in range(1, ROUNDS)]))
    voider.give(voidings(app, ROUNDS, KEYS[metric]))
    revisions = check(ingest, metric, [*pusher.responses(), *voider.responses()])
    assert revisions["voided"] == [2]
    stored = [*ingest.items(ingest.tables.usage), *ingest.items(ingest.tables.window_usage)]
    assert ["voided" in item for item in stored] == [True]
