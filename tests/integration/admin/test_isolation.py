"""A key that is limited to a subscription, a plan or a metric sees and changes nothing of another, on any route.

The cases follow from the route table: a route without a request in `requests` fails. Each request names what the key
may not use, by ID and by alias, with each scope, and with cursors that an unlimited key was given.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from functions.admin.route_table import ROUTES, Route
from fusion_billing.access.principal import ADMIN, SCOPES
from tests.integration.admin.isolated_world import LIMITS, Limit, TwoParties, two_parties
from tests.integration.admin.world import name_of

__all__ = ["two_parties"]

ALL_BUT_ADMIN = tuple(sorted(SCOPES - {ADMIN}))
LISTS = [route for route in ROUTES if "cursor" in route.parameters and route.scope != ADMIN]


@dataclass(frozen=True)
class Call:
    """One request, and its response."""

    route: Route
    request: Mapping[str, Any]
    status: int
    text: str


def calls(world: TwoParties, limit: Limit, key: str, *, reading: bool = False) -> Iterator[Call]:
    """Send every route, or those that read, the requests that name what is beyond a limit."""
    for route in (route for route in ROUTES if not reading or route.method == "GET"):
        for request in world.requests(limit)[name_of(route)]:
            answer = world.call(route, request, key)
            yield Call(route, request, answer.status, readable(answer.headers, answer.json))


def readable(headers: Mapping[str, str], document: Any) -> str:
    """Return everything a response says, with the positions in its cursors decoded."""
    decoded = [] if "openapi" in (document or {}) else [position_in(cursor) for cursor in cursors_of(document)]
    return f"{json.dumps(dict(headers))} {json.dumps(document)} {' '.join(decoded)}"


def position_in(cursor: str) -> str:
    """Return the position in a cursor as text."""
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("utf-8", "replace")


def cursors_of(document: Any) -> Iterator[str]:
    """Yield the cursors in a response."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name.endswith("cursor") and isinstance(value, str):
                yield value
            yield from cursors_of(value)
    elif isinstance(document, list):
        for value in document:
            yield from cursors_of(value)


def shown_of(call: Call, limit: Limit) -> list[str]:
    """Return the marks of what is beyond a limit in a response, without those that the request itself names."""
    sent = json.dumps(call.request)
    return [mark for mark in limit.marks if mark in call.text and mark not in sent]


def test_every_route_has_a_request(two_parties: TwoParties) -> None:
    for limit in LIMITS:
        assert set(two_parties.requests(limit)) == {name_of(route) for route in ROUTES}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_an_unlimited_key_sees_what_the_limit_hides(two_parties: TwoParties, limit: Limit) -> None:
    """Prove that the marks are found where they are shown: else the tests below would hold of nothing."""
    showing = {
        name_of(call.route)
        for call in calls(two_parties, limit, two_parties.unlimited, reading=True)
        if shown_of(call, limit)
    }
    assert limit.shown_by <= showing


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
@pytest.mark.parametrize(
    "scopes", [(scope,) for scope in sorted(SCOPES)] + [tuple(sorted(SCOPES - {ADMIN}))], ids="+".join
)
def test_a_limited_key_sees_and_changes_nothing_beyond_its_limit(
    two_parties: TwoParties, limit: Limit, scopes: tuple[str, ...]
) -> None:
    key = two_parties.limited_key(limit, scopes)
    before = two_parties.items_of(limit)
    for call in calls(two_parties, limit, key):
        what = (name_of(call.route), call.request, call.status, call.text[:400])
        assert shown_of(call, limit) == [], what
        assert call.status < 500, what
        if call.route.scope is not None and not {call.route.scope, ADMIN} & set(scopes):
            assert call.status == 403, what
    assert two_parties.items_of(limit) == before


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_an_admin_key_of_a_limited_source_opens_no_operator_s_route(two_parties: TwoParties, limit: Limit) -> None:
    key = two_parties.limited_key(limit, (ADMIN,))
    for call in calls(two_parties, limit, key):
        if call.route.scope == ADMIN:
            assert (call.status, json.loads(call.text.split("} ", 1)[1].rsplit(" ", 1)[0])["code"]) == (
                403,
                "limited_source",
            ), name_of(call.route)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_cursor_of_an_unlimited_key_opens_nothing(two_parties: TwoParties, limit: Limit) -> None:
    found = 0
    cursors = []
    for route in LISTS:
        for request in two_parties.requests(limit)[name_of(route)]:
            paged = {**request, "query": {**request.get("query", {}), "limit": "1"}}
            answer = two_parties.call(route, paged, two_parties.unlimited)
            cursors += [(route, paged, cursor) for cursor in cursors_of(answer.json)]
    key = two_parties.limited_key(limit, ALL_BUT_ADMIN)
    for route, paged, cursor in cursors:
        continued = {**paged, "query": {**paged["query"], "cursor": cursor}}
        answer = two_parties.call(route, continued, key)
        call = Call(route, continued, answer.status, readable(answer.headers, answer.json))
        assert shown_of(call, limit) == [], (name_of(route), answer.json)
        found += 1
    assert found >= 4


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_limited_key_uses_what_is_within_its_limit(two_parties: TwoParties, limit: Limit) -> None:
    key = two_parties.limited_key(limit, ALL_BUT_ADMIN)
    for route, request, expected in two_parties.own_requests(limit):
        answer = two_parties.call(route, request, key)
        assert answer.status == expected, (name_of(route), request, answer.json)
