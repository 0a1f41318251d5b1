import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fusion_billing.application.outbox import DIRECT_DELIVERIES, Outbox
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from fusion_billing.webhooks.publishing import Prepared
from tests.fakes.outbox import FakeOutboxGateway

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
RATED = {key: value for key, value in EVENT_TYPES["rating.updated"].example.items() if key != "sequence"}


def endpoint(name: str, *events: str, **more: Any) -> Endpoint:
    return Endpoint(
        id=f"ep_{name}",
        source="src_a",
        url="https://example.com/",
        events=events or ("*",),
        created_at=NOW,
        **more,
    )


def outbox_of(*endpoints: Endpoint) -> tuple[Outbox, FakeOutboxGateway]:
    gateway = FakeOutboxGateway(endpoints)
    return Outbox(gateway, random=bytes), gateway


def rating(outbox: Outbox, **more: Any) -> Prepared:
    given: dict[str, Any] = {"subscription": "42", "plan": "Pro", "metric": "api_calls", "data": RATED}
    return outbox.prepare("rating.updated", **{**given, **more}, now=NOW)


def test_an_event_and_its_deliveries_are_writes_of_one_transaction() -> None:
    outbox, gateway = outbox_of(endpoint("a"), endpoint("b", "rating.*"), endpoint("c", "line.*"))
    prepared = rating(outbox)
    assert prepared.writes == [prepared.event_id, "ep_a", "ep_b"]
    assert prepared.endpoints == ("ep_a", "ep_b")
    outbox.wake_up(prepared)
    assert gateway.woken_up == ["ep_a", "ep_b"]


def test_where_no_endpoint_listens_nothing_is_stored_or_counted() -> None:
    outbox, gateway = outbox_of(endpoint("c", "line.*"))
    prepared = rating(outbox)
    assert (prepared.writes, prepared.endpoints, prepared.event_id) == ([], (), None)
    outbox.wake_up(prepared)
    assert gateway.sequences == {}
    assert gateway.woken_up == []


def test_the_payload_has_type_timestamp_and_data_with_a_sequence_per_subscription() -> None:
    outbox, gateway = outbox_of(endpoint("a"))
    rating(outbox)
    rating(outbox)
    rating(outbox, subscription="43", data={**RATED, "subscription": "43"})
    bodies = [json.loads(event.body) for event, _, _ in gateway.stored]
    assert [list(body) for body in bodies] == [["type", "timestamp", "data"]] * 3
    assert bodies[0]["timestamp"] == "2026-11-22T15:00:00Z"
    assert [(body["data"]["subscription"], body["data"]["sequence"]) for body in bodies] == [
        ("42", 1),
        ("42", 2),
        ("43", 1),
    ]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({}, True),
        ({"plans": frozenset({"Pro"})}, True),
        ({"plans": frozenset({"Basic"})}, False),
        ({"metrics": frozenset({"api_calls", "seats"})}, True),
        ({"metrics": frozenset({"seats"})}, False),
        ({"plans": frozenset({"Pro"}), "metrics": frozenset()}, False),
        ({"subscriptions": frozenset({"42"})}, True),
        ({"subscriptions": frozenset({"43"})}, False),
        ({"subscriptions": frozenset({"42"}), "plans": frozenset({"Basic"})}, False),
    ],
)
def test_an_endpoint_is_told_only_of_what_its_source_may_see(limits: dict[str, Any], *, told: bool) -> None:
    outbox, _ = outbox_of(endpoint("a", **limits))
    assert bool(rating(outbox).writes) is told


def test_what_is_of_no_metric_is_not_hidden_by_a_limit_to_metrics_but_no_plan_is_by_one_to_plans() -> None:
    data = {"subscription": "42", "state": "3_progress", "version": 1}
    for limits, told in (({"metrics": frozenset({"seats"})}, True), ({"plans": frozenset({"Pro"})}, False)):
        outbox, _ = outbox_of(endpoint("a", **limits))
        prepared = outbox.prepare("subscription.updated", subscription="42", plan=None, metric=None, data=data, now=NOW)
        assert bool(prepared.writes) is told


def test_a_disabled_endpoint_keeps_what_happens_but_nobody_is_woken_for_it() -> None:
    outbox, _ = outbox_of(endpoint("a", state="disabled"))
    prepared = rating(outbox)
    assert prepared.writes == [prepared.event_id, "ep_a"]
    assert prepared.endpoints == ()


def test_no_wake_up_is_sent_for_an_endpoint_that_has_only_failed_for_ten_minutes() -> None:
    failing = [endpoint(f"{age}", failing_since=NOW - timedelta(minutes=age)) for age in (9, 10)]
    outbox, _ = outbox_of(*failing)
    prepared = rating(outbox)
    assert prepared.writes == [prepared.event_id, "ep_9", "ep_10"]
    assert prepared.endpoints == ("ep_9",)


def test_more_listeners_than_a_transaction_should_hold_are_left_to_the_relay() -> None:
    many = [endpoint(f"{index:03}") for index in range(DIRECT_DELIVERIES + 1)]
    outbox, gateway = outbox_of(*many)
    prepared = rating(outbox)
    assert prepared.writes == [prepared.event_id]
    assert gateway.stored[0][1:] == ([one.id for one in many], False)
    assert prepared.endpoints == ("ep_000",)


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("rating.imagined", RATED),
        ("rating.updated", {**RATED, "amount": 1.0}),
        ("rating.updated", {**RATED, "amount": None}),
        ("rating.updated", {**RATED, "period_start": "2026-11-01T00:00:00"}),
        ("rating.updated", {key: value for key, value in RATED.items() if key != "currency"}),
    ],
)
def test_invalid_event_data_is_a_programming_error(type_: str, data: dict[str, Any]) -> None:
    outbox, _ = outbox_of(endpoint("a"))
    with pytest.raises(ValueError, match="event"):
        outbox.prepare(type_, subscription="42", plan="Pro", metric=None, data=data, now=NOW)


def test_event_ids_sort_by_time() -> None:
    outbox, _ = outbox_of(endpoint("a"))
    later = NOW.replace(microsecond=1000)
    first = rating(outbox).event_id
    second = outbox.prepare("rating.updated", subscription="42", plan=None, metric=None, data=RATED, now=later).event_id
    assert first is not None
    assert second is not None
    assert first < second
