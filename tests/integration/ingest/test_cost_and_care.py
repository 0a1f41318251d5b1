"""What pushing costs, how markers behave, and what becomes of it when the database does not answer."""

import itertools
import string
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.markers.batch_items import unpacked
from fusion_billing.dynamodb.markers.change_markers import marker_item
from local.capacity import Consumed
from tests.bench.cost_model import NOW as MEASURED

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]


def item_bytes(item: dict[str, Any]) -> int:
    """Return the size of an item as DynamoDB bills it, about: names and values, and overhead of lists and maps."""

    def size(value: dict[str, Any]) -> int:
        [(kind, content)] = value.items()
        if kind == "L":
            return 3 + sum(1 + size(each) for each in content)
        if kind == "M":
            return 3 + sum(1 + len(name) + size(each) for name, each in content.items())
        return len(content) // 2 + 2 if kind == "N" else len(content.encode())

    return sum(len(name) + size(value) for name, value in item.items())


@pytest.fixture
def many_subscriptions(ingest: Any) -> list[str]:
    """A hundred subscriptions."""
    ids = [str(100_000 + 37 * number) for number in range(100)]
    for id_ in ids:
        item = {"pk": {"S": f"S#{id_}"}, "sk": {"S": "SUB"}, "doc": {"S": "{}"}, "plan": {"S": "Pro"}}
        ingest.client.put_item(TableName=ingest.tables.catalog, Item=item)
    return ids


@pytest.fixture
def costed(ingest: Any, metered: tuple[DynamoDBClient, Consumed]) -> tuple[Any, Consumed]:
    """Ingest whose calls are counted."""
    ingest.client, consumed = metered
    ingest.restart()
    return ingest, consumed


def test_a_new_record_costs_two_write_units_and_one_marker(costed: tuple[Any, Consumed], record: Make) -> None:
    ingest, consumed = costed
    ingest.push(record())
    assert consumed.units(ingest.tables.usage) == 2
    assert consumed.units(ingest.tables.markers) == 1
    consumed.clear()
    ingest.push(record(idempotency_key="k2"))
    assert consumed.units(ingest.tables.usage) == 2
    assert consumed.units(ingest.tables.markers) == 0
    assert consumed.operations == ["UpdateItem"]


def test_the_pairs_of_a_batch_are_marked_in_one_item_of_one_unit(
    costed: tuple[Any, Consumed], record: Make, many_subscriptions: list[str]
) -> None:
    ingest, consumed = costed
    ingest.push({"records": [record(subscription=id_, idempotency_key=id_) for id_ in many_subscriptions]})
    assert consumed.units(ingest.tables.markers) == 1
    [item] = ingest.items(ingest.tables.markers)
    assert set(unpacked(item["pairs"]["B"])) == {f"!{id_}#api_calls#2026-11" for id_ in many_subscriptions}
    assert item["ttl"] == {"N": str(int((ingest.now + timedelta(days=14)).timestamp()))}
    consumed.clear()
    again = many_subscriptions[:50]
    ingest.push({"records": [record(subscription=id_, idempotency_key=f"{id_}-2") for id_ in again]})
    assert consumed.units(ingest.tables.markers) == 0


def test_an_hourly_counter_is_as_large_as_the_cost_page_counts_it(ingest: Any, record: Make) -> None:
    window = {"period_start": "2026-11-22T14:00:00Z", "period_end": "2026-11-22T15:00:00Z"}
    counter = record(
        subscription="42", idempotency_key="nexa:100000:api_calls:2026-11-22T14", quantity="1250.5", **window
    )
    another = {**counter, "idempotency_key": "nexa:100000:api_calls:2026-11-22T15"}
    ingest.push(counter)
    ingest.push({"records": [another, {**counter, "idempotency_key": "k"}]})
    index = ("pk", "pair", "ws", "we", "q", "rev")
    for key in (counter["idempotency_key"], another["idempotency_key"]):
        item = ingest.item(key)
        longer = 2 * len("100000") - 2 * len("42")  # in the pair and in the target
        row = {name: item[name] for name in index}
        assert item_bytes(item) + longer == pytest.approx(MEASURED.record_bytes, abs=8)
        assert item_bytes(row) + longer // 2 == pytest.approx(MEASURED.index_row_bytes, abs=8)


def test_a_record_of_an_earlier_release_is_corrected_and_rewritten(ingest: Any, record: Make) -> None:
    ingest.push(record())
    item = ingest.item("k1")
    assert item["we"] == {"S": "+86400"}
    earlier = {**item, "we": {"S": "2026-11-04T00:00:00.000000Z"}}
    ingest.client.put_item(TableName=ingest.tables.usage, Item=earlier)
    assert ingest.push(record())[1]["outcome"] == "unchanged"
    assert ingest.item("k1") == earlier
    assert ingest.push(record(quantity="11"))[1]["outcome"] == "updated"
    assert ingest.item("k1")["we"] == item["we"]


def test_a_batch_of_one_shard_is_read_by_its_worker_alone(ingest: Any, record: Make) -> None:
    ingest.push({"records": [record(), record(metric="seats", idempotency_key="k2")]})
    [item] = ingest.items(ingest.tables.markers)
    assert item["pk"]["S"] == f"D#2026-11-22T15#{zlib.crc32(b'42') % 16:02d}"
    assert sorted(unpacked(item["pairs"]["B"])) == ["!42#api_calls#2026-11", "!42#seats#2026-11"]


def test_two_containers_write_the_same_batch_into_the_same_marker(ingest: Any, record: Make) -> None:
    batch = {"records": [record(), record(subscription="43", idempotency_key="k2")]}
    for _ in range(2):
        ingest.restart()
        ingest.push(batch)
    assert len(ingest.items(ingest.tables.markers)) == 1


def test_the_longest_names_fit_into_a_marker() -> None:
    random = Random(1)
    letters = string.ascii_letters + string.digits
    names = [f"{''.join(random.choices(letters, k=64))}#{'m' * 60}{n:04d}#2026-11" for n in range(500)]
    item = marker_item(names, "2026-11-22T15", 16)
    assert len(item["pairs"]["B"]) < 100_000
    assert sorted(unpacked(item["pairs"]["B"])) == sorted(names)


def test_a_repeated_record_costs_one_rejected_write(costed: tuple[Any, Consumed], record: Make) -> None:
    ingest, consumed = costed
    ingest.push(record())
    item = ingest.item("k1")
    consumed.clear()
    refused = []
    ingest.client.meta.events.register(
        "after-call.dynamodb.UpdateItem", lambda parsed, **_: refused.append(parsed["Error"]["Code"])
    )
    assert ingest.push(record())[1]["outcome"] == "unchanged"
    # a write refused by its condition is one unit for each KB of the item that refused it
    assert refused == ["ConditionalCheckFailedException"]
    assert consumed.operations == ["UpdateItem"]
    assert sum(len(name) + len(str(value)) for name, value in item.items()) < 1024


def test_a_batch_is_its_inserts_and_a_batch_of_re_sends_one_read_more(
    costed: tuple[Any, Consumed], record: Make
) -> None:
    ingest, consumed = costed
    batch = {"records": [record(idempotency_key=f"k{n}") for n in range(60)]}
    ingest.push(batch)
    consumed.clear()
    assert ingest.push(batch)[1]["summary"] == {"unchanged": 60}
    assert consumed.operations == ["BatchExecuteStatement"] * 3 + ["BatchGetItem"]


def test_no_path_scans(costed: tuple[Any, Consumed], record: Make) -> None:
    ingest, consumed = costed
    ingest.push(record())
    ingest.push({"records": [record(idempotency_key=f"k{n}", quantity=n) for n in range(3)]})
    assert not {"Scan", "Query", "ExecuteStatement"} & set(consumed.operations)


@pytest.mark.parametrize(
    ("window_end", "name"),
    [
        ("2026-11-02T00:00:00Z", "!42#api_calls#2026-10"),
        ("2026-11-22T12:40:07Z", "!42#api_calls#2026-10"),
        ("2026-11-22T12:40:08Z", "42#api_calls#2026-10"),
    ],
)
def test_the_marker_names_the_hour_of_the_push_the_month_of_the_window_and_whether_it_is_late(
    ingest: Any, record: Make, window_end: str, name: str
) -> None:
    ingest.push(record(period_start="2026-11-01T00:30:00+01:00", period_end=window_end))
    shard = zlib.crc32(b"42") % 16
    assert ingest.items(ingest.tables.markers) == [
        {
            "pk": {"S": f"D#2026-11-22T15#{shard:02d}"},
            "sk": {"S": name},
            "ttl": {"N": str(int((ingest.now + timedelta(days=14)).timestamp()))},
        }
    ]


def test_each_hour_has_its_own_marker(ingest: Any, record: Make) -> None:
    ingest.push(record())
    ingest.now += timedelta(minutes=19)
    ingest.push(record(quantity="11"))
    ingest.now += timedelta(minutes=1)
    ingest.push(record(quantity="12"))
    hours = sorted(item["pk"]["S"][2:15] for item in ingest.items(ingest.tables.markers))
    assert hours == ["2026-11-22T15", "2026-11-22T16"]


def test_a_record_refused_for_its_target_leaves_no_marker(ingest: Any, record: Make) -> None:
    ingest.push(record(metric="nothing"))
    ingest.push(record(quantity="-1"))
    assert ingest.items(ingest.tables.markers) == []


def test_what_is_made_is_known_at_once(ingest: Any, record: Make) -> None:
    assert ingest.push(record(subscription="44"))[1]["code"] == "unknown_subscription"
    item = {"pk": {"S": "S#44"}, "sk": {"S": "SUB"}, "doc": {"S": "{}"}, "plan": {"S": "Pro"}}
    ingest.client.put_item(TableName=ingest.tables.catalog, Item=item)
    assert ingest.push(record(subscription="44"))[0] == 201


def test_the_history_keeps_the_latest_fifty_and_does_not_grow_without_bound(ingest: Any, record: Make) -> None:
    for n in range(230):
        assert ingest.push(record(quantity=str(n)))[1]["revision"] == n + 1
        kept = [int(entry["M"]["q"]["N"]) for entry in ingest.item("k1")["hist"]["L"]]
        assert kept[-50:] == list(range(max(0, n - 49), n + 1))
        assert len(kept) <= 100
    assert ingest.item("k1")["rev"] == {"N": "230"}


def test_the_biggest_record_stays_far_below_what_an_item_may_be(ingest: Any, record: Make) -> None:
    widest = "\U0001f600"
    big = record(
        idempotency_key=widest * 256,
        member=widest * 256,
        properties={f"{n:02d}" + "n" * 62: "v" * 56 for n in range(31)},
        sequence=10**37,
    )
    for n in range(101):
        status, answer = ingest.push({**big, "quantity": f"{n}.{'1' * 35}", "sequence": 10**37 + n})
        assert status in {200, 201}, answer
    size = sum(len(str(value).encode()) for value in ingest.item(widest * 256).values())
    assert size < 300_000


class Troubled:
    """A client of the engine whose calls fail as often as told, before they reach it or after."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.client = client
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append(name)
            if self.before.get(name):
                raise self.before[name].pop(0)
            answer = getattr(self.client, name)(**arguments)
            if self.after.get(name):
                raise self.after[name].pop(0)
            return answer

        return call


def throttled() -> ClientError:
    error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    return ClientError(error, "any")  # type: ignore[arg-type]


def lost() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="http://database")


@pytest.fixture
def troubled(ingest: Any) -> tuple[Any, Troubled]:
    trouble = Troubled(ingest.client)
    ingest.push(record_like(ingest))
    ingest.client = trouble
    ingest.restart()
    return ingest, trouble


def record_like(ingest: Any) -> dict[str, Any]:
    """Return a record that makes the warm-up push, under a key of its own."""
    return {
        "idempotency_key": "warm",
        "subscription": "42",
        "metric": "seats",
        "period_start": "2026-11-03T00:00:00Z",
        "period_end": "2026-11-04T00:00:00Z",
        "quantity": 1,
    }


@pytest.mark.parametrize(
    "operation", ["get_item", "batch_get_item", "put_item", "update_item", "batch_execute_statement"]
)
@pytest.mark.parametrize("error", [throttled, lost])
def test_trouble_that_passes_is_not_noticed(
    troubled: tuple[Any, Troubled], record: Make, operation: str, error: Callable[[], Exception]
) -> None:
    ingest, trouble = troubled
    if operation != "get_item":  # a key is read once: its trouble is the caller's to try again
        trouble.before[operation] = [error(), error()]
    batch = {"records": [record(idempotency_key="a"), record(idempotency_key="b")]}
    assert ingest.push(record())[0] == 201
    status, answer = ingest.push(batch)
    assert (status, answer["summary"]) == (200, {"created": 2})


def test_a_key_that_cannot_be_read_is_a_503(troubled: tuple[Any, Troubled], record: Make) -> None:
    ingest, trouble = troubled
    trouble.before["get_item"] = [throttled()]
    status, answer = ingest.push(record())
    assert (status, answer["code"]) == (503, "unavailable")


def test_a_batch_whose_marker_cannot_be_written_stores_nothing(troubled: tuple[Any, Troubled], record: Make) -> None:
    ingest, trouble = troubled
    ingest.seconds = 0.2
    trouble.before["put_item"] = [throttled()] * 1000
    batch = {"records": [record(), record(subscription="43", idempotency_key="k2")]}
    assert ingest.push(batch)[1]["summary"] == {"unavailable": 2}
    assert len(items(trouble, ingest)) == 1


@pytest.mark.parametrize("operation", ["batch_get_item", "put_item", "update_item"])
def test_a_persistent_failure_is_unavailable_and_stores_nothing(
    troubled: tuple[Any, Troubled], record: Make, operation: str
) -> None:
    ingest, trouble = troubled
    ingest.seconds = 0.2
    trouble.before[operation] = [throttled()] * 1000
    status, answer = ingest.push(record())
    assert (status, answer["code"], answer["outcome"]) == (503, "unavailable", "unavailable")
    assert [item["pk"]["S"] for item in items(trouble, ingest)] == ["U#src_app#warm"]


def items(trouble: Troubled, ingest: Any) -> list[Any]:
    return trouble.client.scan(TableName=ingest.tables.usage)["Items"]


def test_a_failing_batch_is_unavailable_for_records_that_were_not_stored(
    troubled: tuple[Any, Troubled], record: Make
) -> None:
    ingest, trouble = troubled
    ingest.seconds = 1.0
    batch = {"records": [record(idempotency_key=f"k{n}") for n in range(60)]}
    real = trouble.client.batch_execute_statement
    made: list[int] = []

    def second_call_onwards_fails(**arguments: Any) -> Any:
        made.append(1)
        if len(made) > 1:
            raise throttled()
        return real(**arguments)

    trouble.batch_execute_statement = second_call_onwards_fails  # type: ignore[attr-defined]
    status, answer = ingest.push(batch)
    assert status == 207
    assert answer["summary"] == {"created": 25, "unavailable": 35}
    assert {r["error"]["code"] for r in answer["results"][25:]} == {"unavailable"}
    assert len(items(trouble, ingest)) == 26


def test_corrections_that_no_time_is_left_for_are_unavailable(troubled: tuple[Any, Troubled], record: Make) -> None:
    ingest, trouble = troubled
    batch = [record(idempotency_key=f"k{n}") for n in range(30)]
    ingest.push({"records": batch})
    ticks = itertools.count()
    ingest.app = replace(ingest.app, clock=lambda: next(ticks) / 10)  # each look at the clock is 0.1 s later
    ingest.seconds = 2.0
    trouble.calls.clear()
    _, answer = ingest.push({"records": [{**each, "quantity": 11} for each in batch]})
    updated = answer["summary"]["updated"]
    assert 0 < updated < 30
    assert answer["summary"]["unavailable"] == 30 - updated
    assert trouble.calls.count("update_item") == updated


def test_after_an_unstored_record_later_records_of_its_key_are_unavailable(
    troubled: tuple[Any, Troubled], record: Make
) -> None:
    ingest, trouble = troubled
    ingest.seconds = 0.2
    trouble.before["batch_execute_statement"] = [throttled()] * 100
    batch = [record(quantity="1"), record(idempotency_key="k2"), record(quantity="2")]
    assert ingest.push({"records": batch})[1]["summary"] == {"unavailable": 3}


def test_a_lost_response_does_not_count_twice(troubled: tuple[Any, Troubled], record: Make) -> None:
    ingest, trouble = troubled
    trouble.after["update_item"] = [lost()]
    status, answer = ingest.push(record())
    assert (status, answer["outcome"], answer["revision"]) == (200, "unchanged", 1)
    trouble.after["batch_execute_statement"] = [lost()]
    batch = [record(idempotency_key="a", quantity="5"), record(idempotency_key="b", quantity="6")]
    status, answer = ingest.push({"records": batch})
    assert (status, answer["summary"]) == (200, {"unchanged": 2})


def test_an_unexpected_error_is_a_500_without_details(troubled: tuple[Any, Troubled], record: Make) -> None:
    ingest, trouble = troubled
    trouble.before["update_item"] = [RuntimeError("secret 4711")]
    status, answer = ingest.push(record())
    assert (status, answer["code"]) == (500, "internal_error")
    assert "secret 4711" not in str(answer)
    assert "secret 4711" not in str(ingest.logged)
    told = [line for line in ingest.logged if line["level"] == "error"]
    assert told[0]["reference"] == answer["reference"]


def test_a_denied_call_is_not_tried_again(troubled: tuple[Any, Troubled], record: Make) -> None:
    ingest, trouble = troubled
    ingest.push({})  # stores the day of the key's use
    trouble.calls.clear()
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "UpdateItem")
    trouble.before["update_item"] = [denied]
    assert ingest.push(record())[0] == 500
    assert trouble.calls.count("update_item") == 1


def test_engines_that_bring_the_old_item_along_need_no_read(troubled: tuple[Any, Troubled], record: Make) -> None:
    ingest, trouble = troubled
    batch = {"records": [record(idempotency_key=f"k{n}", quantity=n) for n in range(3)]}
    ingest.push(batch)
    changed = {"records": [record(idempotency_key="k0", quantity=9), *batch["records"][1:]]}
    stored = {item["pk"]["S"]: item for item in ingest.items(ingest.tables.usage)}
    real = trouble.client.batch_execute_statement

    def with_items(**arguments: Any) -> Any:
        answer = real(**arguments)
        for statement, response in zip(arguments["Statements"], answer["Responses"], strict=True):
            if "Error" in response:
                response["Error"]["Item"] = stored[statement["Parameters"][0]["S"]]
        return answer

    trouble.batch_execute_statement = with_items  # type: ignore[attr-defined]
    trouble.calls.clear()
    assert ingest.push(changed)[1]["summary"] == {"updated": 1, "unchanged": 2}
    assert trouble.calls == ["update_item"]


def test_a_revoked_key_is_refused_within_a_second(ingest: Any, record: Make) -> None:
    key_id = ingest.source("leaver")
    assert ingest.push(record(), key="leaver")[0] == 201
    KeyStore(ingest.client, ingest.tables.catalog).revoke(key_id, ingest.now)
    ingest.ticks += 1.0
    status, answer = ingest.push(record(), key="leaver")
    assert (status, answer["code"]) == (401, "revoked_key")
