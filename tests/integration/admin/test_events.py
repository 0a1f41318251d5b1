"""Events: listed once each over all endpoints, by subscription, type and time; bodies as they were sent."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.admin import dependencies
from tests.integration.admin.world import SUBSCRIPTION, URL
from tests.integration.admin.world_fixture import World

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin

pytestmark = pytest.mark.integration


def every(admin: "Admin", **query: str) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = admin.get("/v1/events", query={**query, **cursor}).json
        found += page["items"]
        if page["cursor"] is None:
            return found
        cursor = {"cursor": page["cursor"]}


@pytest.fixture
def changed(world: World) -> "Admin":
    """Subscription 42 is changed five times, and 43 twice, a minute apart; two endpoints listen to everything."""
    admin = world.admin
    dependencies.outbox.cache_clear()  # which remembers for a second that nobody listened
    dependencies.subscription_writer.cache_clear()
    for number in range(7):
        admin.now += timedelta(minutes=1)
        id_, order = ("42", 42) if number < 5 else ("43", 43)
        body = {**SUBSCRIPTION, "odoo_order_id": order, "plan": f"Plan {number}"}
        assert admin.put(f"/v1/subscriptions/{id_}", body).status == 200
    return admin


@pytest.mark.parametrize("limit", ["1", "3", "500"])
def test_an_event_is_listed_once_with_its_deliveries(changed: "Admin", limit: str) -> None:
    events = every(changed, type="subscription.updated", limit=limit)
    assert len(events) == 7
    assert [event["id"] for event in events] == sorted({event["id"] for event in events}, reverse=True)
    assert all(len(event["deliveries"]) == 2 for event in events)


def test_events_are_found_by_subscription_type_and_time(changed: "Admin") -> None:
    assert len(every(changed, subscription="42", type="subscription.*", limit="2")) == 5
    assert {event["type"] for event in every(changed, type="endpoint.test")} == {"endpoint.test"}
    since = (changed.now - timedelta(minutes=2, seconds=30)).isoformat().replace("+00:00", "Z")
    assert [event["subscription"] for event in every(changed, since=since)] == ["43", "43", "42"]


def test_an_event_is_shown_with_the_body_that_was_sent(changed: "Admin") -> None:
    newest = every(changed, type="subscription.updated")[0]
    event = changed.get(f"/v1/events/{newest['id']}").json
    assert event["body"]["type"] == "subscription.updated"
    assert event["body"]["data"]["plan"] == "Plan 6"
    endpoint = newest["deliveries"][0]["endpoint"]
    listed = changed.get(f"/v1/endpoints/{endpoint}/deliveries").json["items"][0]
    assert json.loads(listed["body"]) == event["body"]


def test_a_source_sees_the_events_of_its_own_endpoints(changed: "Admin") -> None:
    key = changed.key("webhooks:write", source="src_other")
    assert changed.get("/v1/events", key=key).json["items"] == []
    theirs = every(changed, type="subscription.updated")[0]["id"]
    assert changed.get(f"/v1/events/{theirs}", key=key).status == 404
    endpoint = changed.post("/v1/endpoints", {"url": URL, "events": ["endpoint.*"]}, key=key).json["id"]
    changed.post(f"/v1/endpoints/{endpoint}/test", key=key)
    [own] = changed.get("/v1/events", key=key).json["items"]
    assert [delivery["endpoint"] for delivery in own["deliveries"]] == [endpoint]
    assert changed.get(f"/v1/events/{own['id']}", key=key).json["body"]["type"] == "endpoint.test"


@pytest.mark.parametrize(("query", "field"), [({"type": "no"}, "type"), ({"since": "now"}, "since")])
def test_parameters_are_checked(admin: "Admin", query: dict[str, str], field: str) -> None:
    answer = admin.get("/v1/events", query=query)
    assert (answer.status, list(answer.faults)) == (400, [field])
