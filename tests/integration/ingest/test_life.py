"""A subscription's whole life: its start, its end, its aliases; and how long a level's window may be."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient

from local.capacity import Consumed

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]
Put = Callable[..., None]

START, END = "2026-11-03T00:00:00.000000Z", "2026-11-20T00:00:00.000000Z"


@pytest.fixture
def put(ingest: Any) -> Put:
    """Write a subscription's item, or an alias's, with the attributes given."""

    def write(name: str, **attributes: str) -> None:
        item = {"pk": f"S#{name}", "sk": "SUB", "plan": "Pro", **attributes}
        ingest.client.put_item(
            TableName=ingest.tables.catalog, Item={field: {"S": value} for field, value in item.items()}
        )

    return write


def window(start: str, end: str = "2026-12-31T00:00:00Z") -> dict[str, str]:
    return {"period_start": start, "period_end": end}


@pytest.mark.parametrize(
    "case",
    [
        ("2026-11-02T23:59:59.999999Z", "before_start", {"started_at": "2026-11-03T00:00:00Z"}),
        ("2026-11-03T00:59:59+01:00", "before_start", {"started_at": "2026-11-03T00:00:00Z"}),
        ("2026-11-20T00:00:00Z", "subscription_ended", {"ended_at": "2026-11-20T00:00:00Z"}),
        ("2027-01-01T00:00:00Z", "subscription_ended", {"ended_at": "2026-11-20T00:00:00Z"}),
    ],
)
def test_a_window_that_starts_outside_is_refused_by_name(
    ingest: Any, record: Make, put: Put, case: tuple[str, str, dict[str, str]]
) -> None:
    start, code, bound = case
    put("7", starts=START, ends=END)
    pushed = record(subscription="7", **window(start, "2027-01-02T00:00:00Z"))
    status, answer = ingest.push(pushed)
    assert (status, answer["outcome"], answer["code"]) == (422, "invalid", code)
    assert [(e["field"], e["code"]) for e in answer["errors"]] == [("period_start", code)]
    assert answer | bound == answer
    status, answer = ingest.push({"records": [pushed, record(idempotency_key="good")]})
    assert (status, answer["summary"]) == (207, {"invalid": 1, "created": 1})
    assert answer["results"][0]["error"]["code"] == code
    assert answer["results"][0]["error"] | bound == answer["results"][0]["error"]
    assert ingest.item("k1") is None


@pytest.mark.parametrize("start", ["2026-11-03T00:00:00Z", "2026-11-19T23:59:59.999999Z"])
def test_a_window_that_starts_within_is_counted_wherever_it_ends(
    ingest: Any, record: Make, put: Put, start: str
) -> None:
    put("7", starts=START, ends=END)
    assert ingest.push(record(subscription="7", **window(start)))[0] == 201


def test_a_subscription_of_before_there_were_bounds_has_none(ingest: Any, record: Make) -> None:
    pushed = record(**window("2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z"))
    assert ingest.push(pushed)[0] == 201


def test_a_corrected_start_or_end_holds_at_once_where_it_would_be_refused(ingest: Any, record: Make, put: Put) -> None:
    put("7", starts="2026-11-15T00:00:00.000000Z")
    assert ingest.push(record(subscription="7"))[1]["code"] == "before_start"
    put("7", starts="2026-11-01T00:00:00.000000Z", ends="2026-11-03T00:00:00.000000Z")
    assert ingest.push(record(subscription="7"))[1]["code"] == "subscription_ended"
    put("7", starts="2026-11-01T00:00:00.000000Z")
    assert ingest.push(record(subscription="7"))[0] == 201


def test_what_is_remembered_lets_through_for_a_minute_and_no_longer(ingest: Any, record: Make, put: Put) -> None:
    put("7")
    assert ingest.push(record(subscription="7"))[0] == 201
    put("7", ends="2026-11-03T00:00:00.000000Z")
    ingest.ticks = 59.9
    assert ingest.push(record(subscription="7", idempotency_key="k2"))[0] == 201
    ingest.ticks = 60.0
    assert ingest.push(record(subscription="7", idempotency_key="k3"))[1]["code"] == "subscription_ended"


def test_a_refusal_that_cannot_be_made_sure_of_is_unavailable(ingest: Any, record: Make, put: Put) -> None:
    put("7", starts="2026-11-01T00:00:00.000000Z", ends=END)
    assert ingest.push(record(subscription="7"))[0] == 201
    real = ingest.client
    broken = Broken(real)
    for store in ("single", "batch", "markers", "targets"):
        getattr(ingest.app.stores, store)._client = broken
    ingest.seconds = 0.2
    late = record(subscription="7", idempotency_key="k2", **window("2026-11-21T00:00:00Z"))
    assert ingest.push(late)[1]["outcome"] == "unavailable"


class Broken:
    """A client whose look-ups never come back."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        if name == "batch_get_item":
            raise EndpointConnectionError(endpoint_url="http://database")
        return getattr(self._client, name)


def test_aliases_are_the_subscription(ingest: Any, record: Make, put: Put) -> None:
    put("42-app", alias_of="42")
    put("4711", alias_of="42", starts=START)
    assert ingest.push(record(subscription="42-app"))[1]["outcome"] == "created"
    item = ingest.item("k1")
    assert item["pair"] == {"S": "42#api_calls"}
    assert item["tgt"]["S"].startswith("42#api_calls#")
    assert [each["sk"]["S"] for each in ingest.items(ingest.tables.markers)] == ["!42#api_calls#2026-11"]
    for name in ("42", "4711", "42-app"):
        assert ingest.push(record(subscription=name))[1]["outcome"] == "unchanged"
        batch = {"records": [record(subscription=name), record(subscription=name, idempotency_key=name)]}
        assert ingest.push(batch)[1]["results"][0]["outcome"] == "unchanged"
    assert ingest.push(record(subscription="4711", quantity="11"))[1]["outcome"] == "updated"
    early = record(subscription="4711", idempotency_key="e", **window("2026-11-01T00:00:00Z"))
    assert ingest.push(early)[1]["code"] == "before_start"


def test_bounds_and_aliases_cost_no_more_requests(
    ingest: Any, record: Make, put: Put, metered: tuple[DynamoDBClient, Consumed]
) -> None:
    put("7", starts=START, ends=END)
    put("seven", alias_of="7", starts=START, ends=END)
    ingest.client, consumed = metered
    ingest.restart()
    ingest.push(record(subscription="seven"))
    # The key, the day of its use, targets, marker, record.
    assert consumed.operations == ["GetItem", "UpdateItem", "BatchGetItem", "PutItem", "UpdateItem"]
    assert consumed.units(ingest.tables.catalog) == 3.0  # the key, the metric, the alias
    assert consumed.units(ingest.tables.usage) == 2
    consumed.clear()
    ingest.push(record(subscription="seven", idempotency_key="k2"))
    assert consumed.operations == ["UpdateItem"]
    consumed.clear()
    late = window("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z")
    ingest.push(record(subscription="seven", idempotency_key="k3", **late))
    assert consumed.operations == ["BatchGetItem"]  # a refusal is made sure of


def put_metric(ingest: Any, code: str, aggregation: str) -> None:
    item: Any = {"pk": {"S": "METRIC"}, "sk": {"S": code}}
    item["doc"] = {"S": json.dumps({"code": code, "aggregation": aggregation})}
    ingest.client.put_item(TableName=ingest.tables.catalog, Item=item)


@pytest.mark.parametrize(
    ("end", "aggregation", "code"),
    [
        ("2026-12-03T00:00:00Z", "time_weighted", None),
        ("2026-12-05T00:00:00Z", "time_weighted", None),
        ("2026-12-05T00:00:00.000001Z", "time_weighted", "window_too_long"),
        ("2027-11-03T00:00:00Z", "time_weighted", "window_too_long"),
        ("2027-11-03T00:00:00Z", "sum", None),
    ],
)
def test_a_level_s_window_is_at_most_32_days_long(
    ingest: Any, record: Make, end: str, aggregation: str, code: str | None
) -> None:
    put_metric(ingest, "seats", aggregation)
    pushed = record(metric="seats", period_end=end)
    status, answer = ingest.push(pushed)
    assert (status, answer.get("code")) == ((201, None) if code is None else (422, code))
    if code is not None:
        assert [(e["field"], e["code"]) for e in answer["errors"]] == [("period_end", code)]
        assert ingest.item("k1") is None


def test_a_metric_s_aggregation_comes_with_the_same_read(
    ingest: Any, record: Make, metered: tuple[DynamoDBClient, Consumed]
) -> None:
    put_metric(ingest, "seats", "time_weighted")
    ingest.client, consumed = metered
    ingest.restart()
    ingest.push(record(metric="seats"))
    consumed.clear()
    long = record(metric="seats", idempotency_key="k2", period_end="2027-01-01T00:00:00Z")
    ingest.ticks = 60.0  # nothing is remembered
    assert ingest.push(long)[1]["code"] == "window_too_long"
    assert consumed.operations == ["GetItem", "BatchGetItem"]  # the key, and its targets
    put_metric(ingest, "seats", "sum")
    assert ingest.push(long)[0] == 201


def test_a_limited_source_cannot_distinguish_a_hidden_subscription_from_an_unknown_one(
    ingest: Any, record: Make, put: Put
) -> None:
    ingest.source("basic", plans={"Basic"})
    put("7", starts=START, ends=END, plan="Gold")
    put("seven", alias_of="7", starts=START, ends=END, plan="Gold")
    answers = []
    for name in ("42", "7", "seven", "nobody"):
        late = record(subscription=name, **window("2026-11-20T00:00:00Z"))
        answers += [ingest.push(late, key="basic"), ingest.push(late, key="basic")]
    assert answers == [answers[0]] * 8
    assert (answers[0][0], answers[0][1]["code"]) == (422, "unknown_subscription")


def test_a_limited_source_cannot_distinguish_a_hidden_metric_from_an_unknown_one(ingest: Any, record: Make) -> None:
    ingest.source("calls", metrics={"api_calls"})
    there, nowhere = (ingest.push(record(metric=metric), key="calls") for metric in ("seats", "nothing"))
    assert there == nowhere
    assert there[1]["code"] == "metric_not_allowed"
