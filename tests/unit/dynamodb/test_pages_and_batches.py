"""Reads of many items follow every page and read again what a batch left unprocessed."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.catalog.targets import TargetStore, subscription_key
from fusion_billing.dynamodb.query_pages import query_items, query_pages
from fusion_billing.errors import Unavailable
from fusion_billing.retry import Deadline
from local import tables as template_tables
from local.tables import Tables
from tests.memory_dynamodb import MemoryDynamoDB
from tests.memory_dynamodb.hooks import Hooks


class HalfDone(Hooks):
    """Leaves half of each batch of reads unprocessed, or all of it."""

    def __init__(self, *, all_of_it: bool = False) -> None:
        self.all_of_it = all_of_it
        self.calls: list[int] = []

    def before_call(self, operation: str, request: Mapping[str, Any]) -> None:
        if operation == "BatchGetItem":
            self.calls += [len(each["Keys"]) for each in request["RequestItems"].values()]

    def left_over(self, operation: str, count: int) -> int:
        return count if self.all_of_it else count // 2


def catalog(hooks: Hooks, subscriptions: int) -> tuple[Any, Tables]:
    """Return a client of a catalog that has subscriptions `0`, `1`, ..., which changed from `basic` to `pro`."""
    dynamodb: Any = MemoryDynamoDB(hooks)
    tables = template_tables.create(dynamodb, template_tables.definitions())
    for number in range(subscriptions):
        plans = {"S": '[{"plan":"basic"},{"plan":"pro","from":"2026-11-01T00:00:00Z"}]'}
        item = {**keys.subscription_key(str(number)), "plan": {"S": "pro"}, "plans": plans}
        dynamodb.put_item(TableName=tables.catalog, Item=item)
    return dynamodb, tables


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass between attempts."""
    paused: list[float] = []
    monkeypatch.setattr(time, "sleep", paused.append)
    return paused


class TestPages:
    class Client:
        def __init__(self) -> None:
            self.requests: list[dict[str, Any]] = []

        def query(self, **request: Any) -> dict[str, Any]:
            self.requests.append(request)
            number = request.get("ExclusiveStartKey", 0)
            return {"Items": [number, -number], **({"LastEvaluatedKey": number + 1} if number < 2 else {})}

    def test_each_page_starts_after_the_one_before(self) -> None:
        client: Any = self.Client()

        pages: list[Any] = list(query_pages(client, {"Limit": 2}))
        assert pages == [([0, 0], 1), ([1, -1], 2), ([2, -2], None)]
        assert client.requests == [
            {"Limit": 2},
            {"Limit": 2, "ExclusiveStartKey": 1},
            {"Limit": 2, "ExclusiveStartKey": 2},
        ]

    def test_items_are_those_of_all_pages_from_a_position_on(self) -> None:
        client: Any = self.Client()

        position: Any = 1
        items: list[Any] = list(query_items(client, {}, position))
        assert items == [1, -1, 2, -2]

    def test_a_page_that_nobody_needs_is_not_read(self) -> None:
        client: Any = self.Client()

        items: Any = query_items(client, {})
        assert [next(items), next(items)] == [0, 0]
        assert len(client.requests) == 1

    def test_a_request_may_change_between_pages(self) -> None:
        client: Any = self.Client()
        request = {"Limit": 5}

        for _ in query_pages(client, request):
            request["Limit"] -= 2

        assert [each["Limit"] for each in client.requests] == [5, 3, 1]


class TestBatches:
    def test_unprocessed_keys_are_read_again(self) -> None:
        hooks = HalfDone()
        dynamodb, tables = catalog(hooks, 5)
        requested = [keys.subscription_key(str(number)) for number in range(6)]

        found = list(batch_reads.items(dynamodb, tables.catalog, requested, attributes="pk"))

        assert sorted(item["pk"]["S"] for item in found) == [f"S#{number}" for number in range(5)]
        assert all(item.keys() == {"pk"} for item in found)
        assert hooks.calls == [6, 3, 1]

    def test_a_call_reads_a_hundred_items(self) -> None:
        hooks = HalfDone()
        hooks.left_over = lambda operation, count: 0  # type: ignore[method-assign]
        dynamodb, tables = catalog(hooks, 120)
        requested = [keys.subscription_key(str(number)) for number in range(120)]

        assert len(list(batch_reads.items(dynamodb, tables.catalog, requested))) == 120
        assert hooks.calls == [100, 20]

    def test_a_table_that_stays_throttled_is_unavailable(self, pauses: list[float]) -> None:
        dynamodb, tables = catalog(HalfDone(all_of_it=True), 1)

        with pytest.raises(Unavailable, match="throttled"):
            list(batch_reads.items(dynamodb, tables.catalog, [keys.subscription_key("0")]))
        assert len(pauses) == 5


class TestPlans:
    def test_plans_of_all_subscriptions_are_found(self) -> None:
        dynamodb, tables = catalog(HalfDone(), 3)

        plans = SubscriptionStore(dynamodb, tables.catalog).plans_of(["0", "1", "2", "3"])

        assert plans == {str(number): {"basic", "pro"} for number in range(3)}

    def test_a_subscription_that_never_changed_its_plan_has_none(self) -> None:
        dynamodb, tables = catalog(HalfDone(), 0)
        dynamodb.put_item(TableName=tables.catalog, Item={**keys.subscription_key("7"), "plan": {"S": "pro"}})

        assert SubscriptionStore(dynamodb, tables.catalog).plans_of(["7"]) == {}

    def test_a_table_that_stays_throttled_is_unavailable(self) -> None:
        """The read ends instead of going on until the function does."""
        dynamodb, tables = catalog(HalfDone(all_of_it=True), 1)

        with pytest.raises(Unavailable, match="throttled"):
            SubscriptionStore(dynamodb, tables.catalog).plans_of(["0"])


class TestTargets:
    def test_unprocessed_keys_are_read_again(self) -> None:
        hooks = HalfDone()
        dynamodb, tables = catalog(hooks, 4)
        requested = [subscription_key(str(number)) for number in range(4)]

        found = TargetStore(dynamodb, tables.catalog, lambda: 0.0).find(requested, _deadline(5))

        assert found.targets.keys() == set(requested)
        assert found.unknown == set()
        assert hooks.calls == [4, 2, 1]

    def test_what_stays_unprocessed_until_the_deadline_is_unknown(self) -> None:
        dynamodb, tables = catalog(HalfDone(all_of_it=True), 2)
        requested = [subscription_key("0"), subscription_key("1")]

        found = TargetStore(dynamodb, tables.catalog, lambda: 0.0).find(requested, _deadline(5))

        assert found.targets == {}
        assert found.unknown == set(requested)


def _deadline(seconds: float) -> Deadline:
    """Return a deadline whose clock moves with its pauses."""
    now = [0.0]

    def pause(length: float) -> None:
        now[0] += length

    return Deadline(seconds, lambda: now[0], pause)
