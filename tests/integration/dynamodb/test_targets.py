"""Which metrics and subscriptions exist, as ingest is told."""

import time
from typing import Any

import pytest

from fusion_billing.dynamodb.catalog.targets import TargetStore, metric_key, subscription_key
from fusion_billing.metering.admission import Target
from fusion_billing.retry import Deadline
from local.capacity import Consumed
from local.tables import Tables

pytestmark = pytest.mark.integration


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def deadline() -> Deadline:
    return Deadline(5, time.monotonic, time.sleep)


def test_what_is_there_is_found_and_remembered_for_a_minute(metered: tuple[Any, Consumed], tables: Tables) -> None:
    client, consumed = metered
    clock = Clock()
    targets = TargetStore(client, tables.catalog, clock)
    client.put_item(TableName=tables.catalog, Item={"pk": {"S": "S#42"}, "sk": {"S": "SUB"}, "plan": {"S": "Pro"}})
    consumed.clear()
    keys = {metric_key("api_calls"), subscription_key("42")}
    assert targets.find(keys, deadline()).targets == {("S#42", "SUB"): Target("42", "Pro")}
    client.put_item(TableName=tables.catalog, Item={"pk": {"S": "METRIC"}, "sk": {"S": "api_calls"}})
    assert targets.find(keys, deadline()).targets.keys() == keys
    clock.at = 59.9
    assert targets.find(keys, deadline()).targets.keys() == keys
    assert consumed.operations.count("BatchGetItem") == 2
    client.delete_item(TableName=tables.catalog, Key={"pk": {"S": "METRIC"}, "sk": {"S": "api_calls"}})
    clock.at = 60.0
    assert targets.find(keys, deadline()).targets.keys() == {subscription_key("42")}


def test_hundreds_are_looked_up_a_hundred_to_a_call(metered: tuple[Any, Consumed], tables: Tables) -> None:
    client, consumed = metered
    for number in range(0, 250, 10):
        item = {"pk": {"S": f"S#{number}"}, "sk": {"S": "SUB"}, "plan": {"S": "Pro"}}
        client.put_item(TableName=tables.catalog, Item=item)
    consumed.clear()
    targets = TargetStore(client, tables.catalog, Clock())
    found = targets.find([subscription_key(str(number)) for number in range(250)], deadline())
    assert len(found.targets) == 25
    assert consumed.operations == ["BatchGetItem"] * 3


def test_what_is_remembered_is_bounded_and_the_oldest_go_first() -> None:
    targets = TargetStore(None, "none", Clock())  # type: ignore[arg-type]
    for number in range(10_050):
        targets._remember(subscription_key(str(number)), 0.0, Target("1", "Pro"))
    assert len(targets._remembered) == 10_000
    assert subscription_key("49") not in targets._remembered
    assert subscription_key("50") in targets._remembered
