"""The schemas of lists over all subscriptions."""

from functions.admin.services.openapi.schema_parts import (
    COUNT,
    DECIMAL_TEXT,
    INSTANT,
    TEXT,
    Schema,
    array,
    object_,
)

_AMOUNTS = array(object_(("currency", "amount"), currency=TEXT, amount=DECIMAL_TEXT))

PAGE_MEMBERS: dict[str, Schema] = {
    "totals": _AMOUNTS
    | {"description": "Amounts by currency of all pages up to this one; on the last page, of the whole list"},
}
"""What pages hold beside items and cursor."""


def _or_null(kind: str, description: str = "") -> Schema:
    return {"type": [kind, "null"], **({"description": description} if description else {})}


def rating_list_schemas() -> dict[str, Schema]:
    """Return the schemas by name."""
    line = object_(
        ("id", "state", "odoo_line_id", "amount", "version"),
        id=TEXT,
        state=_or_null("string"),
        odoo_line_id=_or_null("integer"),
        amount=_or_null("string", "the amount that Odoo acknowledged"),
        version=_or_null("integer", "the version that Odoo acknowledged"),
        error=TEXT,
    )
    figures = ("units", "included_units", "billable_units", "amount")
    texts = ("subscription", "plan", "charge", "charge_name", "metric", "currency", "timezone")
    names = {"type": ["string", "integer", "null"], "description": "name of the customer, or ID of the partner in Odoo"}
    rating = {
        "customer_name": names,
        "subscription_name": _or_null("string"),
        **dict.fromkeys(texts, TEXT),
        "unit": _or_null("string"),
        "period_start": INSTANT,
        "period_end": INSTANT,
        "state": {"type": "string", "enum": ["open", "invoiced", "upcoming"]},
        **dict.fromkeys(figures, DECIMAL_TEXT),
        "version": COUNT,
        "line": {"anyOf": [line, {"type": "null"}], "description": "its order line; null if it has none"},
    }
    corrects = INSTANT | {"description": "of an adjustment: start of the invoiced period that it corrects"}
    return {
        "AuditEntry": _audit_entry(),
        "Overview": _overview(),
        "ListedRating": object_(tuple(rating), **rating, corrects=corrects),
    }


def _audit_entry() -> Schema:
    side = {"type": ["object", "null"], "description": "the fields that differ; null where the object does not exist"}
    entry = {
        "id": TEXT,
        "recorded_at": INSTANT,
        "actor": TEXT | {"description": "ID of the API key", "examples": ["k3v9x2m4q8r1t7w5"]},
        "source": TEXT | {"description": "the key's source"},
        "via": {"type": "string", "enum": ["api_key", "session", "jwt", "portal_token", "none"]},
        "action": TEXT | {"description": "operationId of the request", "examples": ["put_charges_code"]},
        "object": TEXT | {"description": "what was changed", "examples": ["charges/api_calls"]},
        "stage": {"type": "string", "enum": ["done", "requested", "failed"]},
        "before": side,
        "after": side,
    }
    return object_(tuple(entry), **entry, reason=TEXT, error=TEXT | {"description": "error code of a failed change"})


def _overview() -> Schema:
    count = object_(("count", "is_capped"), count=COUNT, is_capped={"type": "boolean"})
    amounts: dict[str, Schema] = {
        "period_end_month": TEXT | {"examples": ["2026-12"]},
        "state": {"type": "string", "enum": ["open", "invoiced", "upcoming"]},
        "plan": TEXT,
        "currency": TEXT,
        "amount": DECIMAL_TEXT,
        "ratings": COUNT,
        "subscriptions": COUNT,
    }
    due: dict[str, Schema] = {
        "period_end": {"type": "string", "format": "date"},
        "currency": TEXT,
        "amount": DECIMAL_TEXT,
        "subscriptions": COUNT,
    }
    counted: dict[str, Schema] = {"count": COUNT, "is_capped": {"type": "boolean"}}
    hour = object_(("hour", *counted), hour=INSTANT, **counted)
    pair = dict.fromkeys(("subscription", "metric", "reason"), TEXT)
    pairs = object_((*counted, "items"), **counted, items=array(object_(tuple(pair), **pair)))
    counter = {**dict.fromkeys(("subscription", "charge", "metric"), TEXT), "last_changed_at": INSTANT}
    counters = object_((*counted, "items"), **counted, items=array(object_(tuple(counter), **counter)))
    lines = dict.fromkeys(("failed", "final_invoice", "changed"), count)
    progress: dict[str, Schema] = {"added_up": COUNT, "parts": COUNT}
    whole: dict[str, Schema] = {
        "calculated_at": INSTANT,
        "amounts_calculated_at": _or_null("string", "null while a part was never added up: ask again"),
        "amounts_progress": object_(tuple(progress), **progress),
        "amounts": array(object_(tuple(amounts), **amounts)),
        "invoices_due": array(object_(tuple(due), **due)),
        "lines": object_(tuple(lines), **lines),
        "changed_pairs": array(hour) | {"description": "of the last 24 hours, as far as they are counted"},
        "failing_pairs": pairs | {"description": "pairs that could not be rated in this hour or the one before"},
        "missing_counters": counters | {"description": "usage that came regularly and no longer does"},
        "failed_deliveries": count,
        "failing_endpoints": array(TEXT),
        "disabled_endpoints": array(TEXT),
        "expiring_keys": array(object_(("id", "source", "expires_at"), id=TEXT, source=TEXT, expires_at=INSTANT)),
    }
    return object_(tuple(whole), **whole)
