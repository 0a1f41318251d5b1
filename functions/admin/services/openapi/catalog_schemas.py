"""The schemas of a definition's history, and of the result of a dry run."""

from functions.admin.services.openapi.schema_parts import (
    COUNT,
    DECIMAL_TEXT,
    INSTANT,
    TEXT,
    TEXTS,
    Schema,
    object_,
    ref,
)
from fusion_billing.billing.preview import MOST_LISTED

_DEFINED = ("Metric", "Charge", "Subscription")


def _all_required(**properties: Schema) -> Schema:
    return object_(tuple(properties), **properties)


def catalog_schemas() -> dict[str, Schema]:
    """Return every schema by its name: `<definition>Put` is what a `PUT` answers, tried or done."""
    put: dict[str, Schema] = {f"{name}Put": {"anyOf": [ref(name), ref("DryRun")]} for name in _DEFINED}
    return {"DefinitionChange": _change(), "DryRun": _dry_run(), **put}


def _change() -> Schema:
    actor = {"type": "string", "description": "the id of the API key, or odoo"}
    entry = {"version": COUNT, "changed_at": INSTANT, "actor": actor, "cause": TEXT}
    return object_(tuple(entry), **entry, reason=TEXT)


def _dry_run() -> Schema:
    known = {
        "period_start": INSTANT,
        "period_end": INSTANT,
        "units": DECIMAL_TEXT,
        "amount": DECIMAL_TEXT,
        "currency": TEXT,
    }
    why = {"type": "string", "description": "the reason that it cannot be rated or was not evaluated"}
    figures = object_(tuple(known), **known, error=why)
    either = {"anyOf": [figures, {"type": "null"}], "description": "null where the charge does not apply"}
    comparison = _all_required(subscription=TEXT, charge=TEXT, before=either, after=either)
    total = _all_required(currency=TEXT, before=DECIMAL_TEXT, after=DECIMAL_TEXT, difference=DECIMAL_TEXT)
    response: dict[str, Schema] = {
        "dry_run": {"const": True},
        "outcome": {"type": "string", "enum": ["created", "updated", "unchanged"]},
        "changed_fields": TEXTS,
        "confirm": {**TEXTS, "description": "values that the PUT must have in confirm"},
        "charges": {**TEXTS, "description": "charges whose open periods are rated again"},
        "subscriptions": {"type": "array", "items": comparison, "maxItems": MOST_LISTED},
        "totals": {"type": "array", "items": total},
        "evaluated": COUNT,
        "changed_subscriptions": COUNT,
        "truncated": {"type": "boolean", "description": "true if the preview reached its time or size limit"},
    }
    versions = {"type": "array", "items": ref("ChargeDefinition")}
    return object_(tuple(response), **response, versions=versions)
