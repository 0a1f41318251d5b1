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
    texts = ("subscription", "plan", "charge", "charge_name", "metric", "currency")
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
    return {"ListedRating": object_(tuple(rating), **rating, corrects=corrects)}
