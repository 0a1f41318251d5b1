"""Several processes at one key, at once: one record, the newest sequence, each revision counted once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]

# Pushes each record on its standard input, one a line, through the real handler; prints each answer.
PUSHER = """
import json, sys
from functions.ingest.handler import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 30_000

print("ready", flush=True)
for line in sys.stdin:
    event = json.loads(line)
    answer = handler(event, Context())
    sys.stderr.write(json.dumps([answer["statusCode"], json.loads(answer["body"])]) + "\\n")
"""


class Pusher:
    """A process of its own with ingest in it, as a container is."""

    def __init__(self, ingest: Any, url: str) -> None:
        self._key = ingest.keys["app"]
        environment = {
            **os.environ,
            **ingest.tables.environment(),
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", PUSHER],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def give(self, bodies: list[Any]) -> None:
        """Hand the bodies over; they are pushed as fast as they go, without waiting here."""
        assert self._process.stdin is not None
        for body in bodies:
            event = {"headers": {"authorization": f"Bearer {self._key}"}, "body": json.dumps(body)}
            self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()

    def answers(self) -> list[tuple[int, Any]]:
        """Wait until all is pushed and return the answers."""
        _, told = self._process.communicate(timeout=120)
        assert self._process.returncode == 0, told
        return [tuple(json.loads(line)) for line in told.splitlines()]


@pytest.fixture
def pushers(ingest: Any, dynamodb_url: str) -> Callable[[int], list[Pusher]]:
    return lambda count: [Pusher(ingest, dynamodb_url) for _ in range(count)]


def test_two_processes_at_one_new_key_make_one_record(
    ingest: Any, record: Callable[..., dict[str, Any]], pushers: Callable[[int], list[Pusher]]
) -> None:
    both = pushers(2)
    bodies = [record(idempotency_key=f"k{n}") for n in range(100)]
    for pusher in both:
        pusher.give(bodies)
    first, second = (pusher.answers() for pusher in both)
    for one, other in zip(first, second, strict=True):
        assert sorted([one[1]["outcome"], other[1]["outcome"]]) == ["created", "unchanged"]
    assert len(ingest.items(ingest.tables.usage)) == 100


def test_the_newest_sequence_stays_whichever_came_first(
    ingest: Any, record: Callable[..., dict[str, Any]], pushers: Callable[[int], list[Pusher]]
) -> None:
    both = pushers(2)
    both[0].give([record(quantity=n, sequence=n) for n in range(1, 120)])
    both[1].give([record(quantity=n, sequence=n) for n in range(119, 0, -1)])
    outcomes = [answer["outcome"] for pusher in both for _, answer in pusher.answers()]
    item = ingest.item("k1")
    assert (item["q"], item["seq"]) == ({"N": "119"}, {"N": "119"})
    assert outcomes.count("created") == 1
    assert int(item["rev"]["N"]) == 1 + outcomes.count("updated")
    assert set(outcomes) <= {"created", "updated", "stale", "unchanged"}


def test_batches_of_two_processes_count_each_record_once(
    ingest: Any, record: Callable[..., dict[str, Any]], pushers: Callable[[int], list[Pusher]]
) -> None:
    both = pushers(2)
    for sequence, pusher in enumerate(both):
        batch = [record(idempotency_key=f"k{n}", quantity=sequence + 1, sequence=sequence) for n in range(300)]
        pusher.give([{"records": batch}])
    summaries = [answer["summary"] for pusher in both for _, answer in pusher.answers()]
    assert sum(summary.get("created", 0) for summary in summaries) == 300
    stored = ingest.items(ingest.tables.usage)
    assert len(stored) == 300
    assert {item["q"]["N"] for item in stored} == {"2"}


def test_a_conflict_has_one_winner(
    ingest: Any, record: Callable[..., dict[str, Any]], pushers: Callable[[int], list[Pusher]]
) -> None:
    both = pushers(2)
    for metric, pusher in zip(("api_calls", "seats"), both, strict=True):
        pusher.give([record(idempotency_key=f"k{n}", metric=metric) for n in range(50)])
    first, second = (pusher.answers() for pusher in both)
    for one, other in zip(first, second, strict=True):
        assert sorted([one[1]["outcome"], other[1]["outcome"]]) == ["conflict", "created"]
