"""The schemas of a definition's history, and of what a dry run answers."""

from functions.admin.services.openapi.schemas import Schema, ref
from fusion_billing.billing.preview import MOST_LISTED
from fusion_billing.catalog.identifiers import DECIMAL

_TEXT: Schema = {"type": "string"}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_DECIMAL: Schema = {"type": "string", "pattern": f"^{DECIMAL.pattern}$"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_DEFINED = ("Metric", "Charge", "Subscription")


def _object(required: tuple[str, ...], /, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _whole(**properties: Schema) -> Schema:
    return _object(tuple(properties), **properties)


def catalogue_schemas() -> dict[str, Schema]:
    """Return every schema by its name: `<definition>Put` is what a `PUT` answers, tried or done."""
    put: dict[str, Schema] = {f"{name}Put": {"anyOf": [ref(name), ref("DryRun")]} for name in _DEFINED}
    return {"DefinitionChange": _change(), "DryRun": _dry_run(), **put}


def _change() -> Schema:
    actor = {"type": "string", "description": "the id of the API key, or odoo"}
    entry = {"version": _COUNT, "at": _INSTANT, "actor": actor, "cause": _TEXT}
    return _object(tuple(entry), **entry, reason=_TEXT)


def _dry_run() -> Schema:
    known = {
        "period_start": _INSTANT,
        "period_end": _INSTANT,
        "units": _DECIMAL,
        "amount": _DECIMAL,
        "currency": _TEXT,
    }
    why = {"type": "string", "description": "why it can't be rated, or was not evaluated"}
    figures = _object(tuple(known), **known, error=why)
    either = {"anyOf": [figures, {"type": "null"}], "description": "null where the charge does not apply"}
    comparison = _whole(subscription=_TEXT, charge=_TEXT, before=either, after=either)
    total = _whole(currency=_TEXT, before=_DECIMAL, after=_DECIMAL, difference=_DECIMAL)
    answer: dict[str, Schema] = {
        "dry_run": {"const": True},
        "outcome": {"type": "string", "enum": ["created", "updated", "unchanged"]},
        "changed_fields": _TEXTS,
        "confirm": {**_TEXTS, "description": "what the PUT must be confirmed by"},
        "charges": {**_TEXTS, "description": "charges whose open periods are rated anew"},
        "subscriptions": {"type": "array", "items": comparison, "maxItems": MOST_LISTED},
        "totals": {"type": "array", "items": total},
        "evaluated": _COUNT,
        "changed_subscriptions": _COUNT,
        "truncated": {"type": "boolean", "description": "whether time or room did not suffice for all"},
    }
    versions = {"type": "array", "items": ref("ChargeDefinition")}
    return _object(tuple(answer), **answer, versions=versions)
