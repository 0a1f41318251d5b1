"""Metrics and charges on DynamoDB: a write over what changed meanwhile is refused, a metric in use stays."""

from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.catalog.definitions import (
    CatalogStore,
)
from fusion_billing.errors import Refused, VersionConflict
from local.tables import Tables


def metric(code: str = "calls", name: str = "Calls") -> Metric:
    return parse(Metric, {"name": name, "aggregation": "sum"}, code=code)


def charge(on: str = "calls", **changed: Any) -> Charge:
    body = {
        "name": "Calls",
        "metric": on,
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": {
            "type": "graduated",
            "tiers": [{"up_to": "12345678901234567890123456789012345678"}, {"unit_amount": "0.00000001"}],
        },
        **changed,
    }
    return parse(Charge, body, code="calls")


@pytest.fixture
def store(dynamodb: DynamoDBClient, tables: Tables) -> CatalogStore:
    return CatalogStore(dynamodb, tables.catalog)


def test_what_is_put_is_read_back_to_the_digit(store: CatalogStore) -> None:
    store.put_metric(metric(), None)
    versions = [charge(), charge(valid_from="2026-12-01T00:00:00Z", minimum_amount="0.10")]
    store.put_charge(versions, None)
    assert store.metric("calls") == metric()
    assert store.charge("calls") == versions
    assert store.metrics() == {"calls": metric()}
    assert store.charges() == {"calls": versions}


def test_a_write_over_what_was_changed_meanwhile_is_refused(store: CatalogStore) -> None:
    first = store.put_metric(metric(), None)
    store.put_metric(metric(name="Other"), first)
    with pytest.raises(VersionConflict):
        store.put_metric(metric(name="Late"), first)
    with pytest.raises(VersionConflict):
        store.put_metric(metric(name="Late"), None)
    made = store.put_charge([charge()], None)
    for expected in (None, made + 1):
        with pytest.raises(VersionConflict):
            store.put_charge([charge(name="Late")], expected)
        with pytest.raises(VersionConflict):
            store.delete_charge("calls", 0 if expected is None else expected)
    assert store.metric("calls") == metric(name="Other")
    assert store.charge("calls") == [charge()]


def test_a_charge_needs_its_metric(store: CatalogStore) -> None:
    with pytest.raises(Refused) as refused:
        store.put_charge([charge(on="nothing")], None)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("metric", "unknown_metric")]
    assert store.charge("calls") == []
    assert store.metric("nothing") is None


def test_a_metric_that_a_charge_just_came_to_use_is_not_deleted(store: CatalogStore) -> None:
    store.put_metric(metric(), None)
    refs = store.refs_of("calls")
    store.put_charge([charge()], None)
    with pytest.raises(VersionConflict):
        store.delete_metric("calls", refs)
    assert store.metric("calls") is not None
    store.delete_metric("calls", store.refs_of("calls"))
    assert store.metric("calls") is None


def test_a_metric_keeps_count_of_its_charges_through_its_own_changes(store: CatalogStore) -> None:
    version = store.put_metric(metric(), None)
    store.put_charge([charge()], None)
    store.put_metric(metric(name="Other"), version)
    assert store.refs_of("calls") == 1


def test_lists_go_on_after_a_page(store: CatalogStore) -> None:
    for number in range(5):
        store.put_metric(metric(f"m{number}"), None)
    page, after = store.metric_page(None, 2)
    assert ([one.value.code for one in page], after) == (["m0", "m1"], "m1")
    page, after = store.metric_page(after, 10)
    assert ([one.value.code for one in page], after) == (["m2", "m3", "m4"], None)
