"""The routes of metrics, charges and subscriptions."""

from functions.admin.route_table.route import Responses, Route

PUT_PARAMETERS = ("dry_run", "confirm", "reason")
"""The query parameters of every `PUT` and `PATCH` of the catalog."""

PUT_ERRORS = ("version_conflict", "confirmation_required", "conflict")
SUBSCRIPTION_ERRORS = ("order_taken", "alias_taken", "conflict", "not_found")
LIMIT_ERRORS = ("metric_not_allowed", "plan_not_allowed", "subscription_not_allowed", "limited_source")
"""Error codes of changes beyond the limits of the key's source."""


def _definition_routes(kind: str, plural: str, schema: str, parameter: str) -> tuple[Route, ...]:
    item, collection = f"/v1/{plural}/{{{parameter}}}", f"/v1/{plural}"
    put_responses: Responses = {200: f"{schema}Put", 201: schema}
    return (
        Route(
            "PUT",
            item,
            f"{plural}.put",
            "catalog:write",
            f"Create or replace a {kind}, or show what that would change (dry_run=true)",
            put_responses,
            errors=PUT_ERRORS + LIMIT_ERRORS + (SUBSCRIPTION_ERRORS if kind == "subscription" else ()),
            body=f"{schema}Definition",
            query=PUT_PARAMETERS,
            audited="in_transaction",
        ),
        Route("GET", item, f"{plural}.get", "catalog:read", f"Show a {kind}", {200: schema}),
        Route(
            "GET",
            collection,
            f"{plural}.list_{plural}",
            "catalog:read",
            f"List the {plural}",
            {200: schema},
            paged=True,
        ),
        Route(
            "DELETE",
            item,
            f"{plural}.delete",
            "catalog:write",
            f"Delete a {kind} that is not in use",
            {204: None},
            errors=("in_use", "conflict", "version_conflict", *LIMIT_ERRORS),
            query=("reason",),
            audited="in_transaction",
        ),
    )


CATALOG = (
    *_definition_routes("metric", "metrics", "Metric", "code"),
    *_definition_routes("charge", "charges", "Charge", "code"),
    *_definition_routes("subscription", "subscriptions", "Subscription", "subscription"),
    Route(
        "PATCH",
        "/v1/subscriptions/{subscription}",
        "subscriptions.patch",
        "catalog:write",
        "Change single fields of a subscription, or show what that would change (dry_run=true)",
        {200: "SubscriptionPut"},
        errors=PUT_ERRORS + SUBSCRIPTION_ERRORS + LIMIT_ERRORS,
        body="SubscriptionChange",
        query=PUT_PARAMETERS,
        audited="in_transaction",
    ),
)
