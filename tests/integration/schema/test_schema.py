"""The service responds as its OpenAPI document says, whatever is sent: requests that Schemathesis makes of it.

`make schema EXAMPLES=200` sends more requests than CI does.
"""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from functions.admin.route_table import ROUTES, Route
from functions.admin.services.openapi import document
from tests.integration.admin.world import OF_ODOO, name_of
from tests.integration.schema.conftest import Service

load_all_checks()
SCHEMA = schemathesis.openapi.from_dict(document())
NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
HOLDS: list[Any] = [CHECKS.get_one(name) for name in NAMES]
REQUESTS = [(route, GenerationMode.POSITIVE) for route in ROUTES] + [
    (route, GenerationMode.NEGATIVE) for route in ROUTES if "{" in route.path or route.parameters or route.body
]
"""Each route with the kinds of requests that it has; without path, query and body nothing can be invalid."""


def check(service: Service, route: Route, case: Case[Any], party: str) -> None:
    """Send a request, and hold the response against the document."""
    case.headers.pop("Authorization", None)
    key = service.parties[party]
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    response = case.call(app=service.gateway, headers=headers)
    if response.status_code == 503 and name_of(route) in OF_ODOO:
        assert response.json()["code"] == "odoo_not_configured"
        return
    case.validate_response(response, checks=HOLDS)
    if response.status_code >= 400:
        documented = case.operation.definition.raw["responses"][str(response.status_code)]["x-error-codes"]
        assert response.json()["code"] in documented, case.as_curl_command()


@pytest.mark.parametrize(
    ("route", "mode"), REQUESTS, ids=lambda each: name_of(each) if isinstance(each, Route) else each
)
def test_responses_are_documented(service: Service, route: Route, mode: GenerationMode, examples: int) -> None:
    operation = SCHEMA[route.template][route.method]
    valid = service.requests[name_of(route)]

    @settings(
        max_examples=examples,
        derandomize=not os.environ.get("EXAMPLES"),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(mode),
        party=st.sampled_from(sorted(service.parties)),
        known=st.booleans(),
    )
    def requests(case: Any, party: str, known: bool) -> None:
        if known and valid.path:
            case.path_parameters = dict(valid.path)
        check(service, route, case, party)

    requests()
