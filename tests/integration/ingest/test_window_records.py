"""Records of a metric with `"idempotency": "window"`: their keys, their table, what they cost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.dynamodb.usage.metric_keying import BY_WINDOW, KEYING, MetricKeying
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from fusion_billing.dynamodb.usage.reading import UsageReader
from fusion_billing.dynamodb.usage.voiding import UsageVoiding
from fusion_billing.instants import rfc3339
from fusion_billing.retry import Deadline
from local.capacity import Consumed
from tests.bench.cost_model import BY_WINDOW as MEASURED
from tests.bench.cost_model import query_units
from tests.integration.ingest.test_cost_and_care import item_bytes

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]

KEY = "window~42~logins~20261103T000000Z~20261104T000000Z"


@pytest.fixture
def by_window(ingest: Any) -> Any:
    """Ingest with a metric `logins`, whose records are keyed by window, and an alias of subscription 42."""
    item: Any = {
        "pk": {"S": "METRIC"},
        "sk": {"S": "logins"},
        "doc": {"S": "{}"},
        "version": {"N": "1"},
        KEYING: {"S": BY_WINDOW},
    }
    ingest.client.put_item(TableName=ingest.tables.catalog, Item=item)
    alias: Any = {"pk": {"S": "S#order-7"}, "sk": {"S": "SUB"}, "alias_of": {"S": "42"}, "plan": {"S": "Pro"}}
    ingest.client.put_item(TableName=ingest.tables.catalog, Item=alias)
    return ingest


@pytest.fixture
def login(record: Make) -> Make:
    """Make a record of `logins` without a key."""

    def make(**changes: Any) -> dict[str, Any]:
        return record(**{"idempotency_key": None, "metric": "logins", **changes})

    return make


def stored(ingest: Any) -> list[str]:
    return sorted(item["sk"]["S"] for item in ingest.items(ingest.tables.window_usage))


def test_a_record_without_a_key_is_the_one_of_its_window(by_window: Any, login: Make) -> None:
    assert by_window.push(login()) == (
        201,
        {"index": 0, "idempotency_key": KEY, "outcome": "created", "revision": 1},
    )
    assert by_window.push(login())[1]["outcome"] == "unchanged"
    assert by_window.push(login(quantity="11"))[1] == {
        "index": 0,
        "idempotency_key": KEY,
        "outcome": "updated",
        "revision": 2,
    }
    assert stored(by_window) == ["20261103T000000#86400#src_app"]
    assert by_window.items(by_window.tables.usage) == []


@pytest.mark.parametrize("subscription", ["42", "order-7"])
@pytest.mark.parametrize("start", ["2026-11-03T00:00:00Z", "2026-11-03T01:00:00+01:00"])
def test_every_name_of_the_subscription_and_the_window_has_one_key(
    by_window: Any, login: Make, subscription: str, start: str
) -> None:
    by_window.push(login())

    answer = by_window.push(login(subscription=subscription, period_start=start, idempotency_key=KEY))[1]

    assert (answer["idempotency_key"], answer["outcome"]) == (KEY, "unchanged")


def test_writers_of_one_source_have_records_that_add_up(by_window: Any, login: Make) -> None:
    keys = [KEY, f"{KEY}~host-1", f"{KEY}~host-2"]

    batch = by_window.push({"records": [login(idempotency_key=key) for key in keys]})[1]

    assert [result["idempotency_key"] for result in batch["results"]] == keys
    assert batch["summary"] == {"created": 3}
    assert stored(by_window) == [f"20261103T000000#86400#src_app{end}" for end in ("", "~host-1", "~host-2")]


def test_properties_and_member_are_part_of_the_key(by_window: Any, login: Make) -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"member": "user-1"},
        {"member": "user-2"},
        {"properties": {"region": "eu"}},
        {"properties": {"region": "us", "tier": "hot"}},
        {"properties": {"region": "eu"}, "member": "user-1"},
    ]
    batch = {"records": [login(**variant) for variant in variants]}
    keys = [result["idempotency_key"] for result in by_window.push(batch)[1]["results"]]

    assert len(set(keys)) == len(keys) == len(stored(by_window))
    assert keys[0] == KEY
    assert all(key.startswith(f"{KEY}~@") and len(key) == len(KEY) + 18 for key in keys[1:])
    again = {"records": [login(**variant, idempotency_key=key) for variant, key in zip(variants, keys, strict=True)]}
    assert by_window.push(again)[1]["summary"] == {"unchanged": 6}
    reordered = login(properties={"tier": "hot", "region": "us"})
    assert by_window.push(reordered)[1]["idempotency_key"] == keys[4]
    assert by_window.push(login(idempotency_key=f"{keys[1]}~host-1", member="user-1"))[1]["outcome"] == "created"


@pytest.mark.parametrize(
    "key",
    [
        "nexa:42:logins:2026-11-03",
        KEY.removesuffix("Z"),
        KEY.replace("20261104", "20261105"),
        KEY.replace("42", "43"),
        KEY.replace("000000Z", "000000.000000Z"),
        f"{KEY}~",
        f"{KEY}host",
        f"{KEY}~a~b",
        f"{KEY}~@0123456789abcdef",
        f"{KEY}~{'w' * 49}",
        f"{KEY}~host 1",
    ],
)
def test_any_other_key_is_rejected_with_the_one_to_use(by_window: Any, login: Make, key: str) -> None:
    status, answer = by_window.push(login(idempotency_key=key))

    assert (status, answer["code"]) == (422, "window_key_mismatch")
    [fault] = answer["errors"]
    assert (fault["field"], fault["code"]) == ("idempotency_key", "window_key_mismatch")
    assert KEY in fault["message"]
    assert stored(by_window) == []
    assert by_window.items(by_window.tables.markers) == []


def test_the_header_is_held_to_the_same(by_window: Any, login: Make) -> None:
    other = by_window.push(login(), headers={"Idempotency-Key": "k1"})
    own = by_window.push(login(), headers={"Idempotency-Key": f"{KEY}~w"})

    assert (other[0], other[1]["code"]) == (422, "window_key_mismatch")
    assert own[1]["idempotency_key"] == f"{KEY}~w"


def test_a_derived_key_is_reserved_for_its_metric(by_window: Any, record: Make) -> None:
    status, answer = by_window.push(record(idempotency_key=KEY))

    assert (status, answer["code"]) == (422, "reserved_key")
    assert by_window.push(record(idempotency_key=f"{KEY}/"))[0] == 201
    assert by_window.push(record(idempotency_key=KEY.replace("20261103", "20261303")))[0] == 201


@pytest.mark.parametrize("is_login", [True, False])
def test_a_wrong_key_is_named_for_an_alias_too(by_window: Any, record: Make, login: Make, *, is_login: bool) -> None:
    wrong = login(idempotency_key="k") if is_login else record(idempotency_key=KEY)
    wrong["subscription"] = "order-7"

    codes = [by_window.push(wrong)[1]["code"] for _ in range(2)]  # looked up, and then remembered

    assert codes == ["window_key_mismatch" if is_login else "reserved_key"] * 2


def test_an_alias_that_was_moved_is_looked_up_before_its_key_is_rejected(by_window: Any, login: Make) -> None:
    by_window.push(login(subscription="order-7"))
    moved: Any = {"pk": {"S": "S#order-7"}, "sk": {"S": "SUB"}, "alias_of": {"S": "43"}, "plan": {"S": "Pro"}}
    by_window.client.put_item(TableName=by_window.tables.catalog, Item=moved)
    key = KEY.replace("~42~", "~43~")

    answer = by_window.push(login(subscription="order-7", idempotency_key=key))[1]

    assert (answer["outcome"], answer["idempotency_key"]) == ("created", key)


def test_a_batch_writes_both_tables_and_keeps_its_order(by_window: Any, record: Make, login: Make) -> None:
    first = [record(), login(), login(quantity="11"), record(quantity="12"), login(subscription="43"), login()]

    results = by_window.push({"records": first})[1]["results"]

    assert [(result["outcome"], result["revision"]) for result in results] == [
        ("created", 1),
        ("created", 1),
        ("updated", 2),
        ("updated", 2),
        ("created", 1),
        ("updated", 3),
    ]
    again = by_window.push({"records": [*first[:2], record(idempotency_key="k2"), login(quantity="10")]})[1]
    assert [result["outcome"] for result in again["results"]] == ["updated", "unchanged", "created", "unchanged"]


def test_another_source_has_a_record_of_its_own(by_window: Any, login: Make) -> None:
    by_window.source("other")
    by_window.push(login())

    assert by_window.push(login(quantity="5"), key="other")[1]["outcome"] == "created"
    assert stored(by_window) == [f"20261103T000000#86400#src_{name}" for name in ("app", "other")]


def test_a_record_is_pushed_on_behalf_of_a_source(by_window: Any, login: Make) -> None:
    by_window.source("operator", scopes={"admin", "usage:write"})
    by_window.push(login())

    answer = by_window.push(login(source="src_app", quantity="9"), key="operator")[1]

    assert (answer["outcome"], answer["idempotency_key"]) == ("updated", KEY)
    [item] = by_window.items(by_window.tables.window_usage)
    assert "by" in item["hist"]["L"][1]["M"]
    assert "by" not in item["hist"]["L"][0]["M"]


def test_an_hourly_counter_is_as_large_as_the_cost_page_counts_it(by_window: Any, login: Make) -> None:
    window = {"period_start": "2026-11-22T14:00:00Z", "period_end": "2026-11-22T15:00:00Z"}
    counter = login(quantity="1250.5", **window)
    by_window.push(counter)
    by_window.push({"records": [{**counter, "subscription": "43"}, login()]})
    items = [item for item in by_window.items(by_window.tables.window_usage) if "#3600#" in item["sk"]["S"]]
    assert len(items) == 2
    for item in items:
        assert set(item) == {"pk", "sk", "q", "at"}
        longer = len("100000") - len("42") + len("api_calls") - len("logins")
        assert item_bytes(item) + longer == pytest.approx(MEASURED.record_bytes, abs=4)


def test_a_new_record_costs_one_write_unit(
    by_window: Any, login: Make, metered: tuple[DynamoDBClient, Consumed]
) -> None:
    by_window.client, consumed = metered
    by_window.restart()
    table = by_window.tables.window_usage
    by_window.push(login())
    assert consumed.units(table) == 1
    consumed.clear()
    later = {"period_start": "2026-11-04T00:00:00Z", "period_end": "2026-11-05T00:00:00Z"}
    by_window.push(login(**later))
    assert consumed.units(table) == 1
    assert consumed.operations == ["UpdateItem"]
    consumed.clear()
    by_window.push(login(quantity="11"))  # DynamoDB Local does not report the unit of the failed condition
    assert consumed.units(table) == 1
    assert consumed.operations == ["UpdateItem", "UpdateItem"]
    assert consumed.units(by_window.tables.usage) == 0


def test_rating_reads_the_records_of_a_pair_for_these_units(
    by_window: Any, login: Make, metered: tuple[DynamoDBClient, Consumed]
) -> None:
    first = datetime(2026, 10, 1, tzinfo=UTC)
    starts = [first + timedelta(hours=number) for number in range(500)]
    records = [
        login(period_start=rfc3339(start), period_end=rfc3339(start + timedelta(hours=1)), quantity="1250.5")
        for start in starts
    ]
    assert by_window.push({"records": records})[1]["summary"] == {"created": 500}
    client, consumed = metered
    tables = by_window.tables
    reader = UsageRecords(client, tables.usage, tables.window_usage, MetricKeying(client, tables.catalog))

    read = list(reader.between("42", "logins", first, first + timedelta(hours=500)))

    assert [record.window_start for record in read] == starts
    counted = query_units(500, MEASURED)  # with longer names than these
    assert counted * 0.75 <= consumed.units(tables.window_usage) <= counted
    assert consumed.operations == ["BatchGetItem", "Query"]


@pytest.mark.parametrize("is_batch", [True, False])
def test_every_revision_keeps_its_reason(by_window: Any, record: Make, login: Make, *, is_batch: bool) -> None:
    tables, keying = by_window.tables, MetricKeying(by_window.client, by_window.tables.catalog)
    for number, reason in enumerate(("first", None, "third")):
        pushed = [make(quantity=str(number), reason=reason) for make in (record, login)]
        for body in [{"records": pushed}] if is_batch else pushed:
            assert by_window.push(body)[0] in {200, 201}
    reader = UsageReader(by_window.client, tables.usage, tables.window_usage, keying)

    histories = [reader.get("src_app", key).history for key in ("k1", KEY)]  # type: ignore[union-attr]

    assert [[revision.reason for revision in history] for history in histories] == [["first", "", "third"]] * 2


class _ErasesOnce:
    """A client that loses the item of a record just before its second write: the customer is erased meanwhile."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        self.writes += 1
        if self.writes == 2:
            self._client.delete_item(TableName=request["TableName"], Key=request["Key"])
        return self._client.update_item(**request)


@pytest.mark.parametrize("is_login", [True, False])
def test_a_record_that_is_erased_while_it_is_pushed_is_no_error(
    by_window: Any, record: Make, login: Make, *, is_login: bool
) -> None:
    make = login if is_login else record
    by_window.push(make())
    by_window.client = _ErasesOnce(by_window.client)
    by_window.restart()

    status, answer = by_window.push(make(quantity="11", sequence=5))

    assert (status, answer["outcome"]) in {(201, "created"), (200, "updated")}


@pytest.mark.parametrize("is_login", [True, False])
@pytest.mark.parametrize("erased_before", [1, 2])
def test_a_record_that_is_erased_while_it_is_voided_is_unchanged(
    by_window: Any, record: Make, login: Make, *, is_login: bool, erased_before: int
) -> None:
    by_window.push((login if is_login else record)())
    tables, keying = by_window.tables, MetricKeying(by_window.client, by_window.tables.catalog)
    reader = UsageReader(by_window.client, tables.usage, tables.window_usage, keying)
    stored_record = reader.get("src_app", KEY if is_login else "k1")
    assert stored_record is not None
    client = _ErasesOnce(by_window.client)
    client.writes = 2 - erased_before
    voiding: Any = UsageVoiding(client, tables.usage, tables.window_usage)  # type: ignore[arg-type]

    result = voiding.void(stored_record, "2026-11-22T15:40:07Z", Deadline(5, lambda: 0.0, lambda _: None), actor="key")

    assert (result.outcome, result.revision) in {("unchanged", 1), ("voided", 2)}
