"""No request to any route makes the service fail: hostile names, cursors, bodies, and a database that fails."""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from functions.admin.cursors import list_name, write_cursor
from functions.admin.route_table import ROUTES, Route
from tests.integration.admin.world import OF_ODOO, SERVED, name_of
from tests.integration.admin.world_fixture import World

WITH_PATH = [route for route in SERVED if "{" in route.path]
WITH_CURSOR = [route for route in SERVED if "cursor" in route.parameters]
WITH_BODY = [route for route in SERVED if route.body is not None]
WITH_QUERY = [route for route in SERVED if route.parameters]
KEYED = [route for route in SERVED if route.scope is not None]

LARGEST_RESPONSE = 6_000_000
HOSTILE = (
    "x" * 2_000,
    "é" * 2_000,
    "%F0%9F%98%80" * 300,
    "x" * 100_000,
    "%00",
    "a%0Ab",
    "%E2%80%AEabc",
    "%ED%A0%80",
    "%FF",
    "=HYPERLINK(1)",
    "~~~",
    "@",
    "a@b",
    "a%23b%7Cc",
    " ",
    "null",
    "-1",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "99999999999999999999999999",
    "1e400",
    "NaN",
)


def check(world: World, route: Route, answer: Any, what: object) -> None:
    """Hold an answer against what no request may make of it."""
    what = repr(what)[:200]
    assert len(json.dumps(answer.json)) < LARGEST_RESPONSE, (name_of(route), what)
    if answer.status == 503 and name_of(route) in OF_ODOO:
        assert answer.code == "odoo_not_configured", (name_of(route), what, answer.json)
        return
    assert answer.status < 500, (name_of(route), what, answer.json)


def test_every_route_has_a_valid_request(world: World) -> None:
    assert set(world.requests) == {name_of(route) for route in SERVED}


@pytest.mark.parametrize("route", SERVED, ids=name_of)
def test_a_valid_request_succeeds(world: World, route: Route) -> None:
    answer = world.call(route)
    expected = {503} if name_of(route) in OF_ODOO else set(route.responses)
    assert answer.status in expected, answer.json


@pytest.mark.parametrize("route", WITH_PATH, ids=name_of)
def test_no_name_in_the_path_fails_the_service(world: World, route: Route) -> None:
    for name in world.requests[name_of(route)].path:
        for value in HOSTILE:
            check(world, route, world.call(route, path={name: value}), (name, value))


@pytest.mark.parametrize("route", WITH_QUERY, ids=name_of)
def test_no_query_parameter_fails_the_service(world: World, route: Route) -> None:
    for name in route.parameters:
        for value in ("", *HOSTILE):
            check(world, route, world.call(route, query={name: value}), (name, value))


def positions() -> Iterator[str]:
    """Positions that a forger could put into a cursor."""
    yield from ("x", "0", "0:", "99:x", "3:", "0:42", "-1:x", "{}", "[]", "null", "[0, null]", "[9, {}]", "[0, {}]")
    yield from ('[0, {"pk": {"S": "x"}}]', '[0, {"pk": 1}]', "[-5, null]", '["a", null]', "[1e9, null]", '{"pk": "x"}')
    yield from ("x" * 5_000, "é" * 2_000, "\x00", "\n", "|", "2026-11-01T00:00:00Z|", "2026-11-01T00:00:00Z|é" * 400)
    yield from ("9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z|x", "src_x#y", "U#a#b", "a|b|c|d")
    yield from ("[" * 5_000, '{"a":' * 500, "1" * 5_000, "NaN", "[NaN, null]", "evt_", "\ud800")


@pytest.mark.parametrize("route", WITH_CURSOR, ids=name_of)
def test_no_forged_position_fails_the_service(world: World, route: Route) -> None:
    valid = world.requests[name_of(route)]
    name = list_name(valid.path_of(route), valid.query)
    for position in positions():
        answer = world.call(route, query={"cursor": write_cursor(position, name)})
        check(world, route, answer, position)
        assert answer.status == 200 or answer.code == "bad_cursor", (position[:60], answer.json)


@pytest.mark.parametrize("route", WITH_CURSOR, ids=name_of)
def test_a_cursor_of_another_list_or_of_other_bounds_is_refused(world: World, route: Route) -> None:
    valid = world.requests[name_of(route)]
    own = list_name(valid.path_of(route), valid.query)
    foreign = [write_cursor("x", "/v1/other?[]"), write_cursor("x", f"{own}x"), "", "x", "=" * 10, "é", "AAAA" * 3_000]
    foreign.append(base64.urlsafe_b64encode(f"{zlib.crc32(b'x'):08x}x".encode()).decode())
    for cursor in foreign:
        answer = world.call(route, query={"cursor": cursor})
        assert (answer.status, answer.code) == (400, "bad_cursor"), (cursor[:60], answer.json)


def bodies(valid: Any) -> Iterator[Any]:
    """Bodies that no route expects; those of a definition keep its other fields."""
    yield {f"field_{number}": None for number in range(200_000)}
    yield {f"field_{number}" * 20: "x" for number in range(15_000)}
    yield {"x": "y" * 4_000_000}
    yield {}
    base = valid if isinstance(valid, dict) else {}
    hostile: list[Any] = [None, "", "x" * 500_000, "é" * 200_000, [], {}, [None], [[]], {"a": {}}, 1e300, -1, True]
    for name in base:
        for value in [*hostile, "\u202ex"]:
            yield {**base, name: value}
        yield {**base, name: "a\x07b"}
        yield {**base, name: "9999-12-31T23:59:59.999999Z"}
        yield {**base, name: [{"x": number} for number in range(60_000)]}
        yield {**base, name: {f"k{number}": {"included_units": "1"} for number in range(2_000)}}


RAW = (
    "",
    "{",
    "[]",
    "null",
    "1",
    '"x"',
    '{"a":1,"a":2}',
    "[" * 100_000,
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    "NaN",
    b"\xff",
)


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
def test_no_body_fails_the_service(world: World, route: Route) -> None:
    for body in bodies(world.requests[name_of(route)].body):
        check(world, route, world.call(route, body=body), body)
    for raw in RAW:
        answer = world.call(route, raw=raw)
        check(world, route, answer, raw)
        if raw or route.body_required:
            assert answer.status in {400, 413, 422, 404}, (raw[:20], answer.json)
    answer = world.call(route, raw="{" + " " * (4 * 1024 * 1024) + "}")
    assert (answer.status, answer.code) == (413, "too_large")


def test_the_routes_without_a_handler_are_another_functions() -> None:
    assert [name_of(route) for route in ROUTES if route not in SERVED] == ["POST /v1/usage"]
