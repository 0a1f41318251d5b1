"""Every operation of the HTTP API, one line each; a test holds it against the routes themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.admin.services.put_request import PARAMETERS

Answers = Mapping[int, str | None]
"""Status -> the name of the answer's schema; None for no body."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `scope` is None where no key is needed. `body` and `answers` name schemas; `query` the parameters beside
    `limit` and `cursor`, which a `paged` one takes as well, its answer being a page of the schema named.
    `headers` are those it reads beside `Authorization`.
    """

    method: str
    path: str
    summary: str
    scope: str | None
    answers: Answers
    body: str | None = None
    body_required: bool = True
    query: tuple[str, ...] = ()
    required_query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    paged: bool = False

    @property
    def id(self) -> str:
        """The operation's id: the path's words after the method's."""
        words = [word.strip("{}").replace(".", "_") for word in self.path.split("/") if word not in {"", "v1"}]
        return "_".join([self.method.lower(), *words])


def _read(path: str, summary: str, scope: str, schema: str, query: tuple[str, ...] = ()) -> Operation:
    return Operation("GET", path, summary, scope, {200: schema}, query=query)


def _list(
    path: str,
    summary: str,
    scope: str,
    schema: str,
    *,
    query: tuple[str, ...] = (),
    required: tuple[str, ...] = (),
) -> Operation:
    return Operation("GET", path, summary, scope, {200: schema}, query=query, required_query=required, paged=True)


def _defined(kind: str, plural: str, schema: str, parameter: str) -> tuple[Operation, ...]:
    one, many = f"/v1/{plural}/{{{parameter}}}", f"/v1/{plural}"
    made: Answers = {200: f"{schema}Put", 201: schema}
    return (
        Operation(
            "PUT",
            one,
            f"Create or replace a {kind}, or show what that would change (dry_run=true)",
            "catalog:write",
            made,
            body=f"{schema}Definition",
            query=PARAMETERS,
        ),
        _read(one, f"Show a {kind}", "catalog:read", schema),
        _list(many, f"List the {plural}", "catalog:read", schema),
        Operation(
            "DELETE",
            one,
            f"Delete a {kind} that is not in use",
            "catalog:write",
            {204: None},
            query=("reason",),
        ),
    )


_WEBHOOKS = "webhooks:write"
_ENDPOINT = "/v1/endpoints/{endpoint}"
_SUBSCRIPTION = "/v1/subscriptions/{subscription}"

USAGE = (
    Operation(
        "POST",
        "/v1/usage",
        "Push one record, or a batch of up to 500",
        "usage:write",
        {200: "PushAnswer", 201: "PushResult", 207: "BatchResult"},
        body="Push",
        headers=("Idempotency-Key",),
    ),
    _read(
        "/v1/usage/{idempotency_key}",
        "Show a record and its revisions",
        "usage:read",
        "UsageRecord",
        ("source",),
    ),
    Operation(
        "DELETE",
        "/v1/usage/{idempotency_key}",
        "Void a record: it is kept, and no longer counts",
        "usage:write",
        {200: "VoidResult"},
        body="Voiding",
        body_required=False,
        query=("source",),
    ),
    _list(
        "/v1/usage",
        "List a subscription's records of a metric by the start of their windows",
        "usage:read",
        "UsageRecord",
        query=("subscription", "metric", "from", "to", "source", "voided"),
        required=("subscription", "metric"),
    ),
    Operation(
        "POST",
        "/v1/usage/reconcile",
        "Compare an app's own books with what is stored",
        "usage:read",
        {200: "Comparison"},
        body="Reconciliation",
        query=("source",),
    ),
)

CATALOGUE = (
    *_defined("metric", "metrics", "Metric", "code"),
    *_defined("charge", "charges", "Charge", "code"),
    *_defined("subscription", "subscriptions", "Subscription", "subscription"),
    Operation(
        "PATCH",
        "/v1/subscriptions/{subscription}",
        "Change single fields of a subscription, or show what that would change (dry_run=true)",
        "catalog:write",
        {200: "SubscriptionPut"},
        body="SubscriptionChange",
        query=PARAMETERS,
    ),
)

RATINGS = (
    _read(
        f"{_SUBSCRIPTION}/usage",
        "Show what the open period comes to so far, or the one at an instant",
        "ratings:read",
        "CurrentUsage",
        query=("at",),
    ),
    _list(
        f"{_SUBSCRIPTION}/ratings",
        "List ratings, the newest period first",
        "ratings:read",
        "Rating",
        query=("period_start",),
    ),
    Operation(
        "GET",
        f"{_SUBSCRIPTION}/ratings/{{charge}}",
        "Show why a charge comes to what it does",
        "ratings:read",
        {200: "RatingDetail"},
        query=("period_start", "steps_from", "limit", "cursor"),
    ),
    _list(
        f"{_SUBSCRIPTION}/statements",
        "List the statements of closed periods, the newest first",
        "ratings:read",
        "Statement",
    ),
    _read(
        f"{_SUBSCRIPTION}/statements/{{period_start}}",
        "Show the statement of the period that starts then",
        "ratings:read",
        "Statement",
    ),
    Operation(
        "POST",
        "/v1/estimates",
        "Show what units, records or a period's stored usage come to; store nothing",
        "ratings:read",
        {200: "Estimate"},
        body="EstimateRequest",
    ),
)

WEBHOOKS = (
    Operation(
        "POST",
        "/v1/endpoints",
        "Register an endpoint; the answer alone holds its secret",
        _WEBHOOKS,
        {201: "EndpointWithSecret"},
        body="EndpointDefinition",
    ),
    _list("/v1/endpoints", "List the source's endpoints", _WEBHOOKS, "Endpoint"),
    _read(_ENDPOINT, "Show an endpoint", _WEBHOOKS, "Endpoint"),
    Operation("PATCH", _ENDPOINT, "Change an endpoint", _WEBHOOKS, {200: "Endpoint"}, body="EndpointChange"),
    Operation("DELETE", _ENDPOINT, "Delete an endpoint", _WEBHOOKS, {204: None}),
    Operation(
        "POST",
        f"{_ENDPOINT}/secret/rotate",
        "Give an endpoint a new secret; the old one signs beside it for 24 hours",
        _WEBHOOKS,
        {200: "EndpointWithSecret"},
    ),
    Operation("POST", f"{_ENDPOINT}/test", "Send an endpoint a test event", _WEBHOOKS, {202: "Accepted"}),
    Operation(
        "POST",
        f"{_ENDPOINT}/replay",
        "Send an endpoint again what happened since a time",
        _WEBHOOKS,
        {202: "Accepted"},
        body="Replay",
    ),
    _list(
        f"{_ENDPOINT}/deliveries",
        "List an endpoint's deliveries, the newest first",
        _WEBHOOKS,
        "Delivery",
        query=("state", "type", "since"),
    ),
    Operation(
        "POST",
        "/v1/deliveries/{delivery}/replay",
        "Send one event to one endpoint again",
        _WEBHOOKS,
        {202: "Accepted"},
    ),
)

OPERATION = (
    Operation("POST", "/v1/sources", "Make a source", "admin", {201: "Source"}, body="SourceDefinition"),
    _list("/v1/sources", "List the sources", "admin", "Source"),
    _read("/v1/sources/{source_id}", "Show a source and its live keys", "admin", "Source"),
    Operation(
        "POST",
        "/v1/sources/{source_id}/keys",
        "Make a key of a source, shown this once",
        "admin",
        {201: "Key"},
        body="KeyDefinition",
    ),
    Operation("DELETE", "/v1/keys/{key_id}", "Revoke a key", "admin", {204: None}),
    Operation(
        "POST",
        "/v1/ratings/run",
        "Rate now what the schedule would rate",
        "admin",
        {200: "Run", 202: "Run"},
        body="RunRequest",
        body_required=False,
    ),
    _read("/v1/ratings/runs/{run}", "Show a run", "admin", "Run"),
    _list(
        "/v1/lines",
        "List lines parked, due, to be invoiced by hand, or changed in Odoo",
        "admin",
        "Line",
        query=("state",),
    ),
    _read("/v1/lines/{line}", "Show a line", "admin", "Line"),
    Operation("POST", "/v1/lines/{line}/retry", "Try a parked line again, at once", "admin", {202: "Line"}),
    Operation(
        "POST",
        "/v1/lines/reconcile",
        "Compare lines with Odoo, and mend what can be mended if asked to",
        "admin",
        {200: "Report"},
        body="ReconcileRequest",
        body_required=False,
    ),
    Operation(
        "POST",
        "/v1/subscriptions/sync",
        "Read from Odoo which subscriptions changed, or all of them",
        "admin",
        {200: "Report", 202: "Report"},
        body="SyncRequest",
        body_required=False,
    ),
    Operation("GET", "/v1/health", "Say that the service is there", None, {200: "Health"}),
    Operation("GET", "/openapi.json", "Show this document", None, {200: "Document"}),
)

OPERATIONS: tuple[tuple[str, tuple[Operation, ...]], ...] = (
    ("Usage", USAGE),
    ("Catalogue", CATALOGUE),
    ("Reading what is owed", RATINGS),
    ("Webhooks", WEBHOOKS),
    ("Operation", OPERATION),
)
"""Tag -> its operations."""
