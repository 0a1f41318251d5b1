"""Every route is closed without a key, and to a key with every scope but its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.admin.route_table import ROUTES, Route
from fusion_billing.access.principal import ADMIN, SCOPES


def guarded() -> Iterator[Route]:
    for route in ROUTES:
        if route.scope is not None and route.handler is not None:
            yield route


def place(route: Route) -> str:
    words = route.path.split("/")
    return "/".join("x" if word.startswith("{") else word for word in words)


def test_no_route_opens_without_a_key(admin: Any) -> None:
    for route in guarded():
        answer = admin.call(route.method, place(route), {}, key="")
        assert (answer.status, answer.code) == (401, "missing_key"), route
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_no_route_opens_to_a_key_that_has_every_scope_but_its_own(admin: Any) -> None:
    keys = {
        scope: admin.key(*(SCOPES - {scope, ADMIN}), source=f"src_all_but_{number}")
        for number, scope in enumerate(sorted(SCOPES))
    }
    for route in guarded():
        assert route.scope is not None
        answer = admin.call(route.method, place(route), {}, key=keys[route.scope])
        assert (answer.status, answer.code) == (403, "missing_scope"), route


@pytest.mark.parametrize("raw", ["{", "[]", b"\xff"])
def test_every_route_with_a_body_refuses_one_that_is_not_an_object(admin: Any, raw: str | bytes) -> None:
    for route in guarded():
        if route.body is not None and route.scope != "webhooks:write":
            answer = admin.call(route.method, place(route), raw=raw)
            assert answer.status in {400, 404}, (route, answer.json)
