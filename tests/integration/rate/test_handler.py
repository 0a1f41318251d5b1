"""The function's entry as Lambda calls it: schedules, batches of messages, what comes again, what is told."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.rate import dependencies
from functions.rate.handler import handler
from fusion_billing.application.amount_totals import AmountTotals
from fusion_billing.billing.attention import FailingPair
from fusion_billing.billing.planning import hour_of, hour_text
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.ratings.rated_amounts import RatedAmounts
from fusion_billing.dynamodb.state.amount_totals import StoredTotals
from fusion_billing.dynamodb.state.failing_pairs import FailingPairs
from fusion_billing.messaging.rating_messages import sweep_jobs
from local.tables import Tables

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

SAMPLES = Path(__file__).parents[3] / "events"


@dataclass
class Queues:
    """SQS as far as the function uses it."""

    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert 1 <= len(Entries) <= 10
        self.sent += [(QueueUrl, json.loads(entry["MessageBody"])) for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


class Context:
    """Lambda's context, with time left."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 300_000


@pytest.fixture
def queues(
    small_world: "World",
    dynamodb: DynamoDBClient,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Queues]:
    """The function in its environment: the world's tables, its clock, and queues that note what is sent."""
    made = Queues()
    for name, value in tables.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RATING_QUEUE_URL", "rating")
    monkeypatch.setenv("RELAY_QUEUE_URL", "relay")
    monkeypatch.setenv("CHANGE_SHARDS", "4")
    # A logger of a name keeps the standard output it found first, which is another test's by now.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"rate-{uuid.uuid4().hex}")
    monkeypatch.setattr(client, "dynamodb", lambda: small_world.client)
    monkeypatch.setattr(client, "make", lambda _: made)
    monkeypatch.setattr(dependencies, "now", lambda: small_world.now)
    cached = ("logger", "metrics", "queue", "planner_state", "worker")
    for name in cached:
        getattr(dependencies, name).cache_clear()
    yield made
    for name in cached:
        getattr(dependencies, name).cache_clear()


def _batch(*bodies: Any) -> dict[str, Any]:
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": f"m{index}", "body": text} for index, text in enumerate(texts)]}


def _metrics(captured: str) -> dict[str, float]:
    """Return the metrics told (embedded metric format), by name."""
    found: dict[str, float] = {}
    for line in captured.splitlines():
        told = json.loads(line)
        for directive in told.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Namespace"] == "FusionBilling"
            assert directive["Dimensions"] == [["service"]]
            for metric in directive["Metrics"]:
                values = told[metric["Name"]]
                value = sum(values) if isinstance(values, list) else values
                found[metric["Name"]] = found.get(metric["Name"], 0) + value
    return found


def test_the_hourly_schedule_hands_out_the_hours_and_says_how_many(
    small_world: "World", queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handler({"job": "plan"}, Context()) == {"hours": 0}
    small_world.planner_state.advance(small_world.now.replace(minute=0).replace(hour=10))
    assert handler({"job": "plan"}, Context()) == {"hours": 1}
    assert {queue for queue, _ in queues.sent} == {"rating"}
    assert [body["shard"] for _, body in queues.sent] == [0, 1, 2, 3]
    assert _metrics(capsys.readouterr().out)["HoursPlanned"] == 1


def test_the_daily_schedule_hands_out_every_subscription(small_world: "World", queues: Queues) -> None:
    assert handler({"job": "sweep"}, Context()) == {"messages": 16}
    assert sorted(body["list_shard"] for _, body in queues.sent) == list(range(16))


def test_a_daily_sweep_adds_up_the_totals_every_fourth_day(
    small_world: "World", queues: Queues, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    totals = AmountTotals(RatedAmounts(dynamodb, tables.ratings), StoredTotals(dynamodb, tables.state))
    calculated = []
    for _ in range(9):
        handler(_batch(*[job.to_json() for job in sweep_jobs()]), Context())
        totals.refresh(small_world.now, lambda: False)
        calculated.append(totals.calculated_at(small_world.now))
        small_world.now += timedelta(days=1)
    days = [at.day for at in calculated if at is not None]
    assert [day - days[0] for day in days] == [0, 0, 0, 0, 4, 4, 4, 4, 8]


def test_a_sweep_leaves_complete_totals_for_the_overview(
    small_world: "World", queues: Queues, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    small_world.push("25")
    assert handler(_batch(*[job.to_json() for job in sweep_jobs()]), Context()) == {"batchItemFailures": []}
    totals = AmountTotals(RatedAmounts(dynamodb, tables.ratings), StoredTotals(dynamodb, tables.state))
    totals.refresh(small_world.now, lambda: False)
    assert totals.calculated_at(small_world.now) == small_world.now
    [(group, total)] = totals.sums(small_world.now)
    assert (group.state(small_world.now), group.plan, total.amount) == ("open", "Pro", small_world.rating().amount)


def test_a_failed_message_is_retried_and_does_not_fail_the_others(
    small_world: "World", queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    small_world.push("25")
    hour = hour_text(small_world.now)
    good = [{"job": "hour", "hour": hour, "shard": shard} for shard in range(4)]
    answer = handler(_batch("{", good[0], {"job": "none"}, *good[1:]), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]}
    assert small_world.rating().version == 1
    assert ("relay", {"job": "lines"}) in queues.sent
    told = _metrics(capsys.readouterr().out)
    assert (told["PairsRated"], told["RatingFailures"]) == (1, 0)


def test_a_pair_that_cant_be_rated_is_alarmed_and_named_in_the_log(
    small_world: "World", queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    small_world.change(currency="EUR")
    small_world.push("25")
    messages = [{"job": "hour", "hour": hour_text(small_world.now), "shard": shard} for shard in range(4)]
    assert handler(_batch(*messages), Context()) == {"batchItemFailures": []}
    out = capsys.readouterr().out
    assert _metrics(out)["RatingFailures"] == 1
    (line,) = [json.loads(one) for one in out.splitlines() if "could not be rated" in one]
    assert (line["subscription"], line["metric"], line["month"]) == ("42", "api_calls", "2026-11")
    assert line["reason"] == "charge api_calls is in USD, the subscription in EUR"
    noted = FailingPairs(small_world.client, small_world.tables.state).of([hour_of(small_world.now)])
    assert noted == ([FailingPair("42", "api_calls", line["reason"])], False)


def test_an_event_of_no_known_kind_is_an_error(small_world: "World", queues: Queues) -> None:
    with pytest.raises(ValueError, match="not a job"):
        handler({"job": "party"}, Context())


@pytest.mark.parametrize(("sample", "answer"), [("rate-plan", {"hours": 0}), ("rate-work", {"batchItemFailures": []})])
def test_the_sample_events_are_what_the_function_takes(
    small_world: "World", queues: Queues, sample: str, answer: dict[str, Any]
) -> None:
    assert handler(json.loads((SAMPLES / f"{sample}.json").read_text()), Context()) == answer
