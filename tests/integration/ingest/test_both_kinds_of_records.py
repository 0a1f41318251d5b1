"""Random pushes and voidings of one counter, under a key of the app and keyed by its window: nothing differs."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from fusion_billing.dynamodb.usage.items import StoredUsageRecord
from fusion_billing.dynamodb.usage.metric_keying import BY_WINDOW, KEYING, MetricKeying
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from fusion_billing.dynamodb.usage.reading import UsageReader
from fusion_billing.dynamodb.usage.voiding import UsageVoiding
from fusion_billing.instants import rfc3339
from fusion_billing.rating.records import Record
from fusion_billing.retry import Deadline

pytestmark = pytest.mark.integration

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
KEYS = {
    "api_calls": [f"key-{day}" for day in range(2)],
    "logins": [f"window~42~logins~2026110{day + 1}T000000Z~2026110{day + 2}T000000Z~w" for day in range(2)],
}
STEPS = 25


class Both:
    """The same counters of two metrics: `api_calls` under keys of the app, `logins` keyed by window."""

    def __init__(self, ingest: Any) -> None:
        self.ingest = ingest
        client, tables = ingest.client, ingest.tables
        item: Any = {"pk": {"S": "METRIC"}, "sk": {"S": "logins"}, "doc": {"S": "{}"}, "version": {"N": "1"}}
        client.put_item(TableName=tables.catalog, Item={**item, KEYING: {"S": BY_WINDOW}})
        keying = MetricKeying(client, tables.catalog)
        self.reader = UsageReader(client, tables.usage, tables.window_usage, keying)
        self.rated = UsageRecords(client, tables.usage, tables.window_usage, keying)
        self.voiding = UsageVoiding(client, tables.usage, tables.window_usage)

    def push(self, metric: str, changes: list[tuple[int, dict[str, Any]]]) -> list[Any]:
        """Push to the counters of a metric, by day; return status, outcomes and revisions."""
        records = [
            {
                "idempotency_key": KEYS[metric][day],
                "subscription": "42",
                "metric": metric,
                "period_start": f"2026-11-0{day + 1}T00:00:00Z",
                "period_end": f"2026-11-0{day + 2}T00:00:00Z",
                **change,
            }
            for day, change in changes
        ]
        status, answer = self.ingest.push(records[0] if len(records) == 1 else {"records": records})
        results = answer.get("results", [answer])
        return [status, *((result["outcome"], result["revision"]) for result in results)]

    def void(self, metric: str, day: int) -> Any:
        record = self.reader.get("src_app", KEYS[metric][day])
        if record is None:
            return None
        deadline = Deadline(5, time.monotonic, time.sleep)
        result = self.voiding.void(record, rfc3339(self.ingest.now), deadline, actor="key-1", reason="test")
        return result.outcome, result.revision

    def stored(self, metric: str) -> list[StoredUsageRecord | None]:
        """Return the records of both days, without what differs by name."""
        found = [self.reader.get("src_app", key) for key in KEYS[metric]]
        return [record and replace(record, key="", metric="", window_suffix=None) for record in found]

    def counted(self, metric: str) -> list[Record]:
        return [replace(record, key="") for record in self.rated.between("42", metric, NOVEMBER, DECEMBER)]


@pytest.mark.parametrize("seed", range(12))
def test_both_kinds_of_records_go_the_same_way(ingest: Any, seed: int) -> None:
    random, both = Random(seed), Both(ingest)
    for _ in range(STEPS):
        ingest.now += timedelta(microseconds=random.choice([1, 500_000, 60_000_000]))
        if random.random() < 0.15:
            day = random.randrange(2)
            assert both.void("api_calls", day) == both.void("logins", day)
        else:
            changes = [(random.randrange(2), _change(random)) for _ in range(random.choice([1, 1, 2, 3]))]
            assert both.push("api_calls", changes) == both.push("logins", changes)
        assert both.stored("api_calls") == both.stored("logins")
        assert both.counted("api_calls") == both.counted("logins")


def _change(random: Random) -> dict[str, Any]:
    quantity: dict[str, Any] = {"quantity": random.choice(["0", "10", "10.0", "12.5", "99999999999999999999.25"])}
    return quantity | ({"sequence": random.randrange(6)} if random.random() < 0.6 else {})


def test_a_full_history_is_cut_alike(ingest: Any) -> None:
    both = Both(ingest)
    for number in range(205):
        change = [(0, {"quantity": str(number)})]
        assert both.push("api_calls", change) == both.push("logins", change)
    assert both.stored("api_calls")[0] == both.stored("logins")[0]


@pytest.mark.parametrize("metric", ["api_calls", "logins"])
@pytest.mark.parametrize(
    "case",
    [
        # A newer sequence is never replaced by an older one, even if nothing else differs.
        ({"quantity": "10", "sequence": 9}, {"quantity": "10", "sequence": 20}, "unchanged", ("10", 1, 20)),
        ({"quantity": "11", "sequence": 9}, {"quantity": "10", "sequence": 20}, "stale", ("10", 1, 20)),
        ({"quantity": "11", "sequence": 9}, {"quantity": "12", "sequence": 20}, "stale", ("12", 2, 20)),
        ({"quantity": "11", "sequence": 20}, {"quantity": "12", "sequence": 9}, "updated", ("11", 3, 20)),
        ({"quantity": "11"}, {"quantity": "11"}, "unchanged", ("11", 2, 1)),
        ({"quantity": "11"}, {"quantity": "12"}, "updated", ("11", 3, 1)),
    ],
)
def test_another_push_comes_in_between(ingest: Any, metric: str, case: tuple[Any, Any, str, Any]) -> None:
    own, other, outcome, stored = case
    both = Both(ingest)
    both.push(metric, [(0, {"quantity": "10", "sequence": 1})])
    interrupted = _Interrupted(ingest.client, lambda: both.push(metric, [(0, other)]))
    ingest.client = interrupted
    ingest.restart()

    result = both.push(metric, [(0, own)])

    assert interrupted.was_interrupted
    assert result[1][0] == outcome
    record = both.stored(metric)[0]
    assert record is not None
    assert (str(record.quantity), record.revision, record.sequence) == stored


class _Interrupted:
    """A client of whom another writer gets ahead, just before the first write that depends on what is stored."""

    def __init__(self, client: Any, other: Any) -> None:
        self._client = client
        self._other = other
        self.was_interrupted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **arguments: Any) -> Any:
        is_usage = arguments["TableName"].endswith("usage")
        depends = is_usage and arguments["ConditionExpression"] != "attribute_not_exists(pk)"
        if depends and not self.was_interrupted:
            self.was_interrupted = True
            self._other()
        return self._client.update_item(**arguments)
