"""What each parameter is, with an example, and what there is to know of operations beyond their summary."""

TAGS: dict[str, str] = {
    "Usage": "Push, correct, void and compare usage records.",
    "Catalog": "Define metrics, charges and subscriptions.",
    "Ratings": "Read what is owed, and why.",
    "Webhooks": "Receive events.",
    "Operation": "Sources and keys, runs, order lines, and Odoo.",
    "Sessions": "Sign in to the console.",
}
"""Tag -> its description."""

PARAMETERS: dict[str, tuple[str, object]] = {
    "Fusion-Session": ("`1`, which a page of another site can't send", "1"),
    "Idempotency-Key": (
        "The key of a single record; refused on a batch",
        "nexa:42:2026-11-03",
    ),
    "actor": ("ID of an API key", "k3v9x2m4q8r1t7w5"),
    "at": ("An instant within the period, or a date; now if it is left out", "2026-11-03T00:00:00Z"),
    "bom": ("Whether CSV begins with a byte order mark, for spreadsheets", "true"),
    "charge": ("Code of a charge", "api_calls"),
    "code": ("Code of the definition", "api_calls"),
    "confirm": ("The effects that a dry run asks to confirm, separated by commas", "amounts"),
    "cursor": ("The `cursor` of the page before; the other parameters must be the same", "MTIzNDU2Nzh4"),
    "delivery": ("ID of a delivery", "ep_0123456789ABCDEF~msg_01JCXQZ8K4T5V6W7X8Y9Z0A1B2"),
    "dry_run": ("`true`: show what the request would change, and store nothing", "true"),
    "endpoint": ("ID of an endpoint", "ep_0123456789ABCDEF"),
    "event": ("ID of an event", "msg_01JCXQZ8K4T5V6W7X8Y9Z0A1B2"),
    "from": ("Start, inclusive", "2026-11-01T00:00:00Z"),
    "idempotency_key": ("Idempotency key of a record", "nexa:42:api_calls:2026-11-03"),
    "key_id": ("ID of an API key", "k3v9x2m4q8r1t7w5"),
    "limit": ("Most items of the page", 100),
    "line": ("ID of an order line", "42~20261101T000000Z~api_calls"),
    "metric": ("Code of a metric", "api_calls"),
    "object": ("What was changed", "charges/api_calls"),
    "period_end_from": ("Periods that end at this instant or date, or later", "2026-11-01"),
    "period_end_to": ("Periods that end before this instant or date", "2026-12-01"),
    "period_start": ("Start of the billing period", "2026-11-01T00:00:00Z"),
    "plan": ("Name of a plan", "Pro"),
    "reason": ("Why, for the history of the definition", "New prices of 2027"),
    "return_to": ("Screen of the console to show then", "#/sources"),
    "run": ("ID of a run", "run_0123456789abcdef0123456789abcdef"),
    "since": ("Events from this instant on", "2026-11-01T00:00:00Z"),
    "source": ("Source of the record, if it is not the key's own; requires the scope `admin`", "src_app"),
    "source_id": ("ID of a source", "src_app"),
    "state": ("Only those in this state", "open"),
    "steps_from": ("Number of steps to leave out", "0"),
    "subscription": ("ID or alias of a subscription", "42"),
    "to": ("End, exclusive", "2026-12-01T00:00:00Z"),
    "type": ("Only events of this type", "rating.updated"),
    "voided": ("`true`: show voided records too", "true"),
}
"""Parameter -> its description and an example."""

NOTES: dict[str, str] = {
    "GET /v1/sessions/oidc": "A failure leads back to the console, with `?sign_in=<code>`.",
    "GET /v1/sessions/oidc/callback": (
        "The issuer adds `code` and `state`, or `error`. A failure leads back to the console, with `?sign_in=<code>`."
    ),
    "POST /v1/usage": (
        "A record counts once, however often it is sent: the same key again with another quantity corrects it. Records "
        "of a batch take effect in their order, and a bad one never costs the others. Send `unavailable` ones again."
    ),
    "DELETE /v1/usage/{idempotency_key}": "Amounts become what they were without the record; its revisions stay.",
    "GET /v1/subscriptions/{subscription}/usage": (
        "For each metric: units, included units, overage, the amount so far, and a projection to the period's end. "
        "An invoiced period is priced by the prices that it was invoiced at."
    ),
    "GET /v1/subscriptions/{subscription}/ratings/{charge}": (
        "The rating with its steps, its versions, its order line, and the usage records behind it, a page at a time."
    ),
    "GET /v1/ratings": "With `Accept: text/csv` the page is CSV, and the header `Link` names the next one.",
    "POST /v1/sources/{source_id}/keys": "A source has at most two live keys, so that one can replace the other.",
    "POST /v1/portal-tokens": "Anyone with the token reads that subscription's usage, ratings and statements.",
    "POST /v1/lines/reconcile": "Requires a connection to Odoo. Nothing is changed unless `repair` is true.",
    "POST /v1/endpoints/{endpoint}/secret/rotate": "Deploy the new secret to the receiver within these 24 hours.",
    "PUT /v1/charges/{code}": "A `version` in the body guards against changes in between (409 `version_conflict`).",
    "PUT /v1/metrics/{code}": (
        "A change that re-rates open periods needs `confirm`; a dry run says with which values."
    ),
    "PUT /v1/subscriptions/{subscription}": "Subscriptions that are read from Odoo need no definition.",
}
"""Method and path -> more about the operation."""
