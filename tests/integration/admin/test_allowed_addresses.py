"""From which IP addresses the admin function may be used."""

import json
from typing import Any

import pytest

from functions.admin import access_dependencies
from functions.admin.handler import handler
from functions.admin.route_table import ROUTES, Route

pytestmark = pytest.mark.integration

OFFICE, APP, ELSEWHERE = "198.51.100.7", "203.0.113.9", "192.0.2.1"


def event(method: str, path: str, address: str | None, **headers: str) -> dict[str, Any]:
    http = {"method": method, "path": path} | ({} if address is None else {"sourceIp": address})
    return {
        "rawPath": path,
        "headers": {"fusion-session": "1", **headers},
        "requestContext": {"requestId": "r", "http": http},
        "body": "{}" if method in {"POST", "PUT", "PATCH"} else None,
    }


def call(method: str, path: str, address: str | None, key: str = "", **headers: str) -> tuple[int, str]:
    """Return the status, and the code if it is a problem."""
    sent = {"authorization": f"Bearer {key}", **headers} if key else headers
    answer = handler(event(method, path, address, **sent), None)
    is_problem = answer["headers"].get("content-type") == "application/problem+json"
    return answer["statusCode"], json.loads(answer["body"])["code"] if is_problem else ""


@pytest.fixture
def limited(admin: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function with a list for each area."""
    monkeypatch.setenv("ADMIN_ALLOWED_CIDRS", "198.51.100.0/24, 2001:db8::/32")
    monkeypatch.setenv("USAGE_ALLOWED_CIDRS", "203.0.113.0/24,198.51.100.0/24")
    access_dependencies.allowed_addresses.cache_clear()
    return admin


def path_of(route: Route) -> str:
    return "/".join("x" if word.startswith("{") else word for word in route.path.split("/"))


OPEN = {"/v1/health", "/openapi.json"}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.handler], ids=lambda route: route.operation_id)
def test_each_route_is_refused_from_elsewhere_before_its_key_is_read(limited: Any, route: Route) -> None:
    status, code = call(route.method, path_of(route), ELSEWHERE, key="fb_unknown0_" + "x" * 43)
    assert (code == "ip_not_allowed", status == 403) == ((False,) * 2 if route.path in OPEN else (True,) * 2)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.handler], ids=lambda route: route.operation_id)
def test_each_route_is_allowed_from_the_office(limited: Any, route: Route) -> None:
    assert call(route.method, path_of(route), OFFICE)[1] != "ip_not_allowed"
    assert call(route.method, path_of(route), "2001:db8::5")[1] != "ip_not_allowed" or route.area == "usage"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.handler], ids=lambda route: route.operation_id)
def test_a_made_up_portal_token_opens_no_route_from_elsewhere(limited: Any, route: Route) -> None:
    status, code = call(route.method, path_of(route), ELSEWHERE, key="fbp1.x")
    refusals = {"ip_not_allowed", "invalid_token", "portal_token_not_allowed", "portal_not_configured"}
    assert (code in refusals) == (route.path not in OPEN), (status, code)


def test_an_app_reads_usage_from_its_address_and_nothing_else(limited: Any) -> None:
    key = limited.key("usage:read", "catalog:read")
    assert call("GET", "/v1/usage/k", APP, key)[0] == 404
    assert call("GET", "/v1/metrics", APP, key) == (403, "ip_not_allowed")
    assert call("GET", "/v1/metrics", OFFICE, key)[0] == 200


def test_a_key_that_may_act_for_every_source_needs_the_address_of_an_admin(limited: Any) -> None:
    assert call("GET", "/v1/usage/k", APP, limited.default_key) == (403, "ip_not_allowed")
    assert call("GET", "/v1/usage/k", OFFICE, limited.default_key)[0] == 404


def test_headers_do_not_change_the_address(limited: Any) -> None:
    forged = {"x-forwarded-for": OFFICE, "forwarded": f"for={OFFICE}", "x-real-ip": OFFICE}
    assert call("GET", "/v1/metrics", ELSEWHERE, limited.default_key, **forged) == (403, "ip_not_allowed")


@pytest.mark.parametrize("address", [None, "", "not-an-address"])
def test_a_request_without_an_address_is_refused(limited: Any, address: str | None) -> None:
    assert call("GET", "/v1/metrics", address, limited.default_key) == (403, "ip_not_allowed")


def test_customers_and_readers_of_the_documentation_come_from_anywhere(limited: Any) -> None:
    for path in ("/v1/health", "/openapi.json", "/docs", "/portal"):
        assert call("GET", path, ELSEWHERE)[0] == 200, path
    assert call("GET", "/v1/subscriptions/42/usage", ELSEWHERE, "fbp1.x")[1] != "ip_not_allowed"


def test_the_console_is_for_the_office(limited: Any) -> None:
    for path in ("/console", "/console/", "/console/v/1/main.js"):
        assert call("GET", path, ELSEWHERE) == (403, "ip_not_allowed"), path
    assert call("GET", "/console", OFFICE)[0] == 200


def test_a_malformed_list_allows_nobody_and_says_why(limited: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_ALLOWED_CIDRS", "198.51.100.0/24,2001:db8/32")
    access_dependencies.allowed_addresses.cache_clear()
    answer = handler(event("GET", "/v1/metrics", OFFICE, authorization=f"Bearer {limited.default_key}"), None)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"]) == (503, "ip_list_not_configured")
    assert "AdminAllowedCidrs" in problem["detail"]
    assert "2001:db8/32" in problem["detail"]
    assert call("GET", "/v1/health", OFFICE)[0] == 200


def test_without_lists_any_address_is_allowed(admin: Any) -> None:
    for address in (None, ELSEWHERE):
        assert call("GET", "/v1/metrics", address, admin.default_key)[0] == 200
