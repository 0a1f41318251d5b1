"""A source that is limited to plans can't tell another plan's subscription from one that does not exist."""

import json
from typing import Any

import pytest

from functions.admin.route_table import Route
from tests.integration.admin.world import SERVED, name_of
from tests.integration.admin.world_fixture import World

EXISTING, MISSING = "42", "77"


def names_a_subscription(route: Route) -> bool:
    """Return whether a request to the route can name a subscription: in its path, query or body."""
    named = "{subscription}" in route.path or "subscription" in route.query
    return named or name_of(route) in {"POST /v1/estimates", "POST /v1/usage/reconcile"}


ROUTES = [
    route
    for route in SERVED
    if route.scope not in {None, "admin"} and route.method != "PUT" and names_a_subscription(route)
]


def answer_about(world: World, route: Route, subscription: str, key: str) -> tuple[int, str]:
    """Return the status and text of the answer about a subscription, whose id is left out of the text."""
    valid = world.requests[name_of(route)]
    path = valid.path_of(route, **({"subscription": subscription} if "subscription" in valid.path else {}))
    query = {name: value for name, value in valid.query.items() if name != "source"}
    if "subscription" in query:
        query["subscription"] = subscription
    body: Any = valid.body
    if isinstance(body, dict) and "subscription" in body:
        body = {**body, "subscription": subscription}
    answer = world.admin.call(route.method, path, body, query=query, key=key)
    return answer.status, json.dumps(answer.json).replace(subscription, "<subscription>")


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_the_subscription_of_another_plan_looks_like_one_that_does_not_exist(world: World, route: Route) -> None:
    assert route.scope is not None
    key = world.admin.key(route.scope, source="src_basic", plans=frozenset({"Basic"}))
    of_another_plan = answer_about(world, route, EXISTING, key)
    assert of_another_plan == answer_about(world, route, MISSING, key)
    assert of_another_plan[0] == 404 or name_of(route) in {"GET /v1/usage", "POST /v1/usage/reconcile"}
