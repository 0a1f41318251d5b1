"""The routes of webhook endpoints and their deliveries."""

from functions.admin.route_table.route import Route

_SCOPE = "webhooks:write"
_ENDPOINT = "/v1/endpoints/{endpoint}"

WEBHOOKS = (
    Route(
        "POST",
        "/v1/endpoints",
        "endpoints.create",
        _SCOPE,
        "Register an endpoint; only this response holds its secret",
        {201: "EndpointWithSecret"},
        errors=("too_many_endpoints", "version_conflict", "not_found"),
        body="EndpointDefinition",
    ),
    Route(
        "GET",
        "/v1/endpoints",
        "endpoints.list_endpoints",
        _SCOPE,
        "List the source's endpoints",
        {200: "Endpoint"},
        paged=True,
    ),
    Route("GET", _ENDPOINT, "endpoints.get", _SCOPE, "Show an endpoint", {200: "Endpoint"}),
    Route(
        "PATCH",
        _ENDPOINT,
        "endpoints.change",
        _SCOPE,
        "Change an endpoint",
        {200: "Endpoint"},
        errors=("conflict", "version_conflict"),
        body="EndpointChange",
    ),
    Route("DELETE", _ENDPOINT, "endpoints.delete", _SCOPE, "Delete an endpoint", {204: None}),
    Route(
        "POST",
        f"{_ENDPOINT}/secret/rotate",
        "endpoints.rotate",
        _SCOPE,
        "Give an endpoint a new secret; the old one signs as well for 24 hours",
        {200: "EndpointWithSecret"},
        errors=("rotated_too_often", "conflict", "version_conflict"),
    ),
    Route(
        "POST",
        f"{_ENDPOINT}/test",
        "endpoints.test",
        _SCOPE,
        "Send an endpoint a test event, or a sample of an event type",
        {202: "Accepted"},
        body="TestEvent",
        body_required=False,
        errors=("endpoint_disabled",),
    ),
    Route(
        "POST",
        f"{_ENDPOINT}/replay",
        "deliveries.replay_since",
        _SCOPE,
        "Send an endpoint the events since a time again",
        {202: "Accepted"},
        errors=("endpoint_disabled",),
        body="Replay",
    ),
    Route(
        "GET",
        f"{_ENDPOINT}/deliveries",
        "deliveries.list_deliveries",
        _SCOPE,
        "List an endpoint's deliveries, the newest first",
        {200: "Delivery"},
        query=("state", "type", "since"),
        paged=True,
    ),
    Route(
        "POST",
        "/v1/deliveries/{delivery}/replay",
        "deliveries.replay",
        _SCOPE,
        "Send one event to one endpoint again",
        {202: "Accepted"},
        errors=("endpoint_disabled",),
    ),
)
