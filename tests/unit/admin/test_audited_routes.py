"""Every route that changes something says how its changes get into the audit log."""

import pytest

from functions.admin.route_table import ROUTES, Route

READ_ONLY = {"POST /v1/estimates", "POST /v1/usage/reconcile"}
"""Routes that only read, though their parameters come in a body."""


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_route_is_audited_if_and_only_if_it_changes_something(route: Route) -> None:
    is_change = route.method != "GET" or name_of(route) == "GET /v1/sessions/oidc/callback"
    changes_something = is_change and name_of(route) not in READ_ONLY
    assert (route.audited is not None) == changes_something


@pytest.mark.parametrize(
    ("path", "parameters", "object_"),
    [
        ("/v1/charges/{code}", {"code": "calls"}, "charges/calls"),
        ("/v1/endpoints/{endpoint}/secret/rotate", {"endpoint": "ep_1"}, "endpoints/ep_1"),
        ("/v1/sources/{source_id}/keys", {"source_id": "src_1"}, "sources/src_1"),
        ("/v1/usage/{idempotency_key+}", {"idempotency_key": "a/b"}, "usage/a/b"),
        ("/v1/ratings/run", {}, "ratings/run"),
    ],
)
def test_the_object_of_a_request_is_its_path_up_to_the_last_parameter(
    path: str, parameters: dict[str, str], object_: str
) -> None:
    route = Route("POST", path, None, "admin", "", {200: None})
    assert route.object_of(parameters) == object_
