"""The routes of usage records."""

from functions.admin.route_table.route import Route
from fusion_billing.catalog.identifiers import MAX_RECORDS

USAGE = (
    Route(
        "POST",
        "/v1/usage",
        None,
        "usage:write",
        f"Push one record, or a batch of up to {MAX_RECORDS}",
        {200: "PushAnswer", 201: "PushResult", 207: "BatchResult"},
        errors=("too_many_records", "idempotency_key_on_batch", "conflict"),
        body="Push",
        headers=("Idempotency-Key",),
    ),
    Route(
        "GET",
        "/v1/usage/{idempotency_key+}",
        "usage.get",
        "usage:read",
        "Show a record and its revisions",
        {200: "UsageRecord"},
        errors=("unknown_source", "source_not_allowed"),
        query=("source",),
    ),
    Route(
        "DELETE",
        "/v1/usage/{idempotency_key+}",
        "usage.void",
        "usage:write",
        "Void a record: it is stored but no longer counts",
        {200: "VoidResult"},
        errors=("unknown_source", "source_not_allowed"),
        body="Voiding",
        body_required=False,
        query=("source",),
    ),
    Route(
        "GET",
        "/v1/usage",
        "usage.list_records",
        "usage:read",
        "List a subscription's records of a metric by the start of their windows",
        {200: "UsageRecord"},
        errors=("source_not_allowed", "metric_not_allowed"),
        query=("subscription", "metric", "from", "to", "source", "voided"),
        required_query=("subscription", "metric"),
        paged=True,
    ),
    Route(
        "POST",
        "/v1/usage/reconcile",
        "usage.reconcile",
        "usage:read",
        "Compare an app's own records with the stored ones",
        {200: "Comparison"},
        errors=("source_not_allowed", "metric_not_allowed"),
        body="Reconciliation",
        query=("source",),
    ),
)
