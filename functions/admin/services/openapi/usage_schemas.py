"""The schemas of usage records."""

from functions.admin.services.openapi.schema_parts import (
    COUNT,
    DECIMAL_TEXT,
    INSTANT,
    NUMBER,
    TEXT,
    Schema,
    array,
    closed_object,
    object_,
    ref,
)
from fusion_billing.catalog.identifiers import MAX_IDEMPOTENCY_KEY, MAX_REASON, MAX_RECORDS

_OUTCOMES = ["created", "updated", "unchanged", "stale", "conflict", "invalid", "unavailable"]


def usage_schemas() -> dict[str, Schema]:
    """Return the schemas of usage records and what is done with them, by name."""
    record = {
        "subscription": TEXT,
        "metric": TEXT,
        "period_start": INSTANT,
        "period_end": INSTANT,
        "member": TEXT,
        "properties": {"type": "object", "additionalProperties": TEXT},
    }
    key = {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY}
    pushed = {**record, "idempotency_key": key, "quantity": NUMBER, "sequence": COUNT}
    pushed["reason"] = {"type": "string", "minLength": 1, "maxLength": MAX_REASON} | {
        "description": "why the record is corrected, for its history"
    }
    pushed["source"] = TEXT | {
        "description": "source of the record, if not the key's own source; requires the scope admin"
    }
    needed = ("subscription", "metric", "period_start", "period_end", "quantity")
    outcome = {"type": "string", "enum": _OUTCOMES}
    result = {
        "index": COUNT,
        "idempotency_key": {"type": ["string", "null"], "description": "null where none could be read"},
        "outcome": outcome,
        "revision": {"type": ["integer", "null"], "description": "null if the record is not stored"},
    }
    required = ("index", "idempotency_key", "outcome", "revision")
    error = object_(
        ("code", "detail"),
        code=TEXT,
        detail=TEXT,
        errors=array(ref("Fault")),
        errors_total=COUNT,
        started_at=INSTANT,
        ended_at=INSTANT,
    )
    revision = object_(
        ("revision", "received_at"),
        revision=COUNT,
        quantity=DECIMAL_TEXT,
        sequence=COUNT,
        member=TEXT,
        voided={"const": True},
        reason=TEXT,
        actor=TEXT | {"description": "the id of the key, where the source itself did not push it"},
        received_at=INSTANT,
    )
    missing = array(
        object_(("idempotency_key", "quantity"), idempotency_key=TEXT, quantity=DECIMAL_TEXT, voided={"const": True})
    )
    kinds = ("missing_in_service", "missing_in_app", "differing")
    return {
        "PushedRecord": closed_object(needed, **pushed),
        "PushedBatch": closed_object(
            ("records",), records=array(ref("PushedRecord"), minItems=1, maxItems=MAX_RECORDS)
        ),
        "Push": {"oneOf": [ref("PushedRecord"), ref("PushedBatch")]},
        "PushResult": object_(required, **result),
        "BatchResult": object_(
            ("results", "summary"),
            results=array(object_(required, **result, error=error)),
            summary={"type": "object", "additionalProperties": COUNT},
        ),
        "PushAnswer": {"anyOf": [ref("PushResult"), ref("BatchResult")]},
        "UsageRecord": object_(
            ("idempotency_key", "subscription", "metric", "quantity", "revision"),
            **record,
            idempotency_key=TEXT,
            source=TEXT,
            quantity=DECIMAL_TEXT,
            revision=COUNT,
            sequence=COUNT,
            received_at=INSTANT,
            voided={"const": True},
            history=array(revision),
        ),
        "VoidResult": object_(
            ("outcome", "revision"),
            outcome={"type": "string", "enum": ["voided", "unchanged"]},
            revision=COUNT,
        ),
        "Comparison": object_(
            (*kinds, "equal", "totals"),
            missing_in_service=missing,
            missing_in_app=missing,
            differing=array(object_(idempotency_key=TEXT, in_service=DECIMAL_TEXT, in_app=DECIMAL_TEXT)),
            equal=COUNT,
            totals=object_(kinds, **dict.fromkeys(kinds, COUNT)),
        ),
    }
