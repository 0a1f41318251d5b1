"""The schemas of what operators work with, and of problems."""

from functions.admin.services.openapi.schema_parts import (
    ANY_OBJECT,
    COUNT,
    DECIMAL_TEXT,
    INSTANT,
    TEXT,
    TEXTS,
    Schema,
    array,
    closed_object,
    object_,
    or_null,
    ref,
)
from fusion_billing.access.portal_tokens import DEFAULT, LONGEST, SHORTEST
from fusion_billing.access.principal import SCOPES
from fusion_billing.catalog.identifiers import MAX_FAULTS, MAX_REQUESTS_PER_SECOND
from fusion_billing.error_codes import ERROR_CODES
from fusion_billing.odoo.line_findings import FOUND

_PROBLEM_CODE: Schema = TEXT | {
    "description": "A stable word for programs; expect new ones",
    "x-error-codes": {error.code: error.meaning for error in ERROR_CODES.values() if error.status is not None},
}
_FAULT_CODE: Schema = TEXT | {
    "description": "A stable word for programs; expect new ones",
    "x-error-codes": {error.code: error.meaning for error in ERROR_CODES.values()},
}


def operation_schemas() -> dict[str, Schema]:
    """Return the schemas of sources, keys, runs, order lines and problems, by name."""
    scopes = array({"type": "string", "enum": sorted(SCOPES)}, minItems=1)
    rate: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_REQUESTS_PER_SECOND}
    source = {"name": TEXT, "metrics": TEXTS, "plans": TEXTS, "subscriptions": TEXTS, "requests_per_second": rate}
    key = {"scopes": scopes, "expires_at": INSTANT}
    limits = {name: or_null(TEXTS) for name in ("metrics", "plans", "subscriptions")}
    new_source = {"name": TEXT, **limits, "requests_per_second": or_null(rate)}
    return {
        "SourceDefinition": closed_object(("name",), **new_source),
        "SourceChange": closed_object((), **new_source),
        "Source": object_(
            ("id", "name"),
            id=TEXT,
            **source,
            created_at=INSTANT,
            keys=array(
                object_(
                    ("id", "scopes", "created_at", "last_used_on"),
                    id=TEXT,
                    **key,
                    created_at=INSTANT,
                    expired={"type": "boolean"},
                    last_used_on=or_null({"type": "string", "format": "date"}),
                )
            ),
        ),
        "KeyDefinition": closed_object(("scopes",), scopes=scopes, expires_at=or_null(INSTANT)),
        "Key": object_(("id", "key", "scopes"), id=TEXT, key=TEXT, **key, source=TEXT),
        "SessionRequest": closed_object(("key",), key=TEXT),
        "Session": object_(
            ("source", "source_name", "key_id", "scopes"),
            source=TEXT,
            source_name=TEXT,
            key_id=TEXT,
            scopes=scopes,
            metrics=TEXTS,
            plans=TEXTS,
            subscriptions=TEXTS,
            expires_at=INSTANT,
        ),
        "PortalTokenDefinition": closed_object(
            ("subscription",),
            subscription=TEXT,
            expires_in=or_null(
                {
                    "type": "integer",
                    "minimum": int(SHORTEST.total_seconds()),
                    "maximum": int(LONGEST.total_seconds()),
                    "default": int(DEFAULT.total_seconds()),
                    "description": "seconds",
                }
            ),
        ),
        "PortalToken": object_(
            ("token", "subscription", "expires_at"), token=TEXT, subscription=TEXT, expires_at=INSTANT
        ),
        "RunRequest": closed_object(subscription=TEXT, sweep={"type": "boolean"}),
        "Run": object_(
            ("run", "status", "started_at", "remaining_tasks", "evaluated", "changed", "failed"),
            run=TEXT,
            status=TEXT,
            started_at=INSTANT,
            remaining_tasks=COUNT,
            evaluated=COUNT,
            changed=COUNT,
            failed=COUNT,
        ),
        "Line": object_(
            ("id", "subscription", "charge", "state", "version", "amount", "currency"),
            id=TEXT,
            subscription=TEXT,
            charge=TEXT,
            period_start=INSTANT,
            state=TEXT,
            version=COUNT,
            amount=DECIMAL_TEXT,
            currency=TEXT,
            attempt_count=COUNT,
            error=object_(("code", "message"), code=TEXT, message=TEXT),
            changes_in_odoo=array(
                object_(
                    ("found", "amount", "action", "detected_at"),
                    odoo_line_id={"type": ["integer", "null"]},
                    odoo_order_id={"type": ["integer", "null"]},
                    found=array({"type": "string", "enum": list(FOUND)}),
                    amount=DECIMAL_TEXT,
                    odoo_amount={"type": ["string", "null"]},
                    action=TEXT,
                    reason=TEXT,
                    detected_at=INSTANT,
                    repaired_at=array(INSTANT),
                )
            ),
        ),
        "ReconcileRequest": closed_object(
            subscription=TEXT, period_start=INSTANT, repair={"type": "boolean"}, cursor=TEXT
        ),
        "SyncRequest": closed_object(full={"type": "boolean"}),
        "Report": ANY_OBJECT,
        "Health": object_(("status", "version"), status=TEXT, version=TEXT),
        "Document": ANY_OBJECT,
        "Fault": object_(("field", "code", "message"), field=TEXT, code=_FAULT_CODE, message=TEXT, stored=TEXT),
        "Problem": object_(
            ("type", "title", "status", "detail", "code"),
            type=TEXT,
            title=TEXT,
            status=COUNT,
            detail=TEXT,
            code=_PROBLEM_CODE,
            errors=array(ref("Fault"), maxItems=MAX_FAULTS),
            errors_total=COUNT,
            started_at=INSTANT,
            ended_at=INSTANT,
            reference=TEXT,
            outcome=TEXT,
            idempotency_key={"type": ["string", "null"]},
            revision={"type": ["integer", "null"]},
        ),
    }
