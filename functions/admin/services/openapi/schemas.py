"""The document's schemas: of what is defined, made from the models; of answers, written here."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.admin.services.usage import Voiding
from functions.admin.services.usage_reconciliation import Reconciliation
from fusion_billing.access.principal import SCOPES
from fusion_billing.catalog.change import HISTORY
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.identifiers import DECIMAL, MAX_FAULTS, MAX_IDEMPOTENCY_KEY, MAX_RECORDS
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.error_codes import ERROR_CODES
from fusion_billing.odoo.line_findings import FOUND
from fusion_billing.statements.statement import SOURCES
from fusion_billing.webhooks.events.registry import EVENT_TYPES

Schema = dict[str, Any]

_MODES: tuple[JsonSchemaMode, JsonSchemaMode] = ("validation", "serialization")

_DEFINED: tuple[tuple[type[BaseModel], str], ...] = (
    (Metric, "code"),
    (Charge, "code"),
    (Subscription, "id"),
)

_TEXT: Schema = {"type": "string"}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_DECIMAL: Schema = {"type": "string", "pattern": f"^{DECIMAL.pattern}$", "examples": ["12.5"]}
_NUMBER: Schema = {"anyOf": [{"type": "number", "minimum": 0}, _DECIMAL]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_ANY: Schema = {"type": "object"}
_PROBLEM_CODE: Schema = _TEXT | {
    "description": "A stable word for programs; expect new ones",
    "x-error-codes": {error.code: error.meaning for error in ERROR_CODES.values() if error.status is not None},
}
_FAULT_CODE: Schema = _TEXT | {
    "description": "A stable word for programs; expect new ones",
    "x-error-codes": {error.code: error.meaning for error in ERROR_CODES.values()},
}
_OUTCOMES = ["created", "updated", "unchanged", "stale", "conflict", "invalid", "unavailable"]


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema


def _closed(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    return _object(required, **properties) | {"additionalProperties": False}


def _array(items: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": items, **bounds}


def schemas() -> dict[str, Schema]:
    """Return every schema by its name."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (Reconciliation, "validation"),
        (Voiding, "validation"),
        *((event.model, "validation") for event in EVENT_TYPES.values()),
    ]
    for model, _ in _DEFINED:
        models += [(model, mode) for mode in _MODES]
    refs, made = models_json_schema(list(dict.fromkeys(models)), ref_template="#/components/schemas/{model}")
    found: dict[str, Schema] = dict(made["$defs"])
    for model, name in _DEFINED:
        names = [refs[model, mode]["$ref"].rpartition("/")[2] for mode in _MODES]
        taken, shown = (found[each] for each in names)
        for each in set(names):
            del found[each]
        found |= _as_defined_and_as_shown(model.__name__, taken, shown, name)
    return found | _usage() | _owed() | _told() | _operated()


def _as_defined_and_as_shown(title: str, taken: Schema, shown: Schema, name: str) -> dict[str, Schema]:
    """A definition's name is in its path and need not be in its body; what is shown has it, and more.

    What is shown may be put back as it is, its `version` guarding against what changed meanwhile.
    """
    more = {"version": _COUNT, **_SHOWN_TOO.get(title, {})}
    accepted = more | _ACCEPTED_TOO.get(title, {})
    answer: Schema = {
        **shown,
        "properties": shown["properties"] | more,
        "required": [*shown["required"], "version"],
    }
    del answer["additionalProperties"]
    elsewhere = {name, *_OR_BY_FORMER_NAME.get(title, ())}
    required = [field for field in taken["required"] if field not in elsewhere]
    properties = {
        field: schema if field in required else _or_null(schema)
        for field, schema in (taken["properties"] | accepted).items()
    }
    definition = {**taken, "properties": properties, "required": required}
    made = {title: answer, f"{title}Definition": definition}
    if title == "Subscription":
        made["SubscriptionChange"] = _nullable(definition)
    return made


def _or_null(schema: Schema) -> Schema:
    """Return a schema that takes null too, which stands for a field that is left out."""
    return schema if {"type": "null"} in schema.get("anyOf", ()) else {"anyOf": [schema, {"type": "null"}]}


def _nullable(definition: Schema) -> Schema:
    """Return the schema of a change: every field may be left out, and null takes one away."""
    properties = {name: _or_null(schema) for name, schema in definition["properties"].items()}
    change = {name: value for name, value in definition.items() if name not in {"required", "title"}}
    return change | {"properties": properties}


_ACCEPTED_TOO: dict[str, dict[str, Schema]] = {
    "Subscription": {
        "partner": {
            "anyOf": [{"type": "string"}, {"type": "integer"}],
            "deprecated": True,
            "description": "the former name of `customer_name`",
        },
        "plan_from": {
            "type": "string",
            "description": "when the plan came into force; a date is its midnight in the subscription's zone",
        },
    },
}

_OR_BY_FORMER_NAME: dict[str, tuple[str, ...]] = {"Subscription": ("customer_name",)}

_HISTORY: Schema = {"type": "array", "items": ref("DefinitionChange"), "maxItems": HISTORY}

_SHOWN_TOO: dict[str, dict[str, Schema]] = {
    "Metric": {"history": _HISTORY},
    "Charge": {"versions": _array(ref("ChargeDefinition")), "history": _HISTORY},
    "Subscription": {
        "history": _HISTORY,
        "origin": {"type": "string", "enum": ["api", "odoo"]},
        "open_period": _object(("start", "end"), start=_INSTANT, end=_INSTANT),
        "orders": _array(
            _object(
                ("odoo_order_id", "from"),
                odoo_order_id=_COUNT,
                until={"type": ["string", "null"]},
                kind={"type": "string", "enum": ["initial", "renewal", "upsell"]},
                **{"from": {"type": "string", "description": "an instant, or a date: its local midnight"}},
            )
        ),
        "plan_history": _array(
            _object(("plan", "from"), plan=_TEXT, **{"from": _INSTANT | {"type": ["string", "null"]}})
        ),
    },
}


def _usage() -> dict[str, Schema]:
    record = {
        "subscription": _TEXT,
        "metric": _TEXT,
        "period_start": _INSTANT,
        "period_end": _INSTANT,
        "member": _TEXT,
        "properties": {"type": "object", "additionalProperties": _TEXT},
    }
    key = {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY}
    pushed = {**record, "idempotency_key": key, "quantity": _NUMBER, "sequence": _COUNT}
    pushed["source"] = _TEXT | {"description": "whose record it is, if not one's own: for a key with admin"}
    needed = ("subscription", "metric", "period_start", "period_end", "quantity")
    outcome = {"type": "string", "enum": _OUTCOMES}
    result = {
        "index": _COUNT,
        "idempotency_key": {"type": ["string", "null"], "description": "null where none could be read"},
        "outcome": outcome,
        "revision": {"type": ["integer", "null"], "description": "null where nothing is stored of it"},
    }
    told = ("index", "idempotency_key", "outcome", "revision")
    error = _object(
        ("code", "detail"),
        code=_TEXT,
        detail=_TEXT,
        errors=_array(ref("Fault")),
        errors_total=_COUNT,
        started_at=_INSTANT,
        ended_at=_INSTANT,
    )
    revision = _object(
        ("revision", "received_at"),
        revision=_COUNT,
        quantity=_DECIMAL,
        sequence=_COUNT,
        member=_TEXT,
        voided={"const": True},
        reason=_TEXT,
        actor=_TEXT | {"description": "the id of the key, where the source itself did not push it"},
        received_at=_INSTANT,
    )
    missing = _array(
        _object(("idempotency_key", "quantity"), idempotency_key=_TEXT, quantity=_DECIMAL, voided={"const": True})
    )
    kinds = ("missing_in_service", "missing_in_app", "differing")
    return {
        "PushedRecord": _closed(needed, **pushed),
        "PushedBatch": _closed(("records",), records=_array(ref("PushedRecord"), minItems=1, maxItems=MAX_RECORDS)),
        "Push": {"oneOf": [ref("PushedRecord"), ref("PushedBatch")]},
        "PushResult": _object(told, **result),
        "BatchResult": _object(
            ("results", "summary"),
            results=_array(_object(told, **result, error=error)),
            summary={"type": "object", "additionalProperties": _COUNT},
        ),
        "PushAnswer": {"anyOf": [ref("PushResult"), ref("BatchResult")]},
        "UsageRecord": _object(
            ("idempotency_key", "subscription", "metric", "quantity", "revision"),
            **record,
            idempotency_key=_TEXT,
            source=_TEXT,
            quantity=_DECIMAL,
            revision=_COUNT,
            sequence=_COUNT,
            received_at=_INSTANT,
            voided={"const": True},
            history=_array(revision),
        ),
        "VoidResult": _object(
            ("outcome", "revision"),
            outcome={"type": "string", "enum": ["voided", "unchanged"]},
            revision=_COUNT,
        ),
        "Comparison": _object(
            (*kinds, "equal", "totals"),
            missing_in_service=missing,
            missing_in_app=missing,
            differing=_array(_object(idempotency_key=_TEXT, in_service=_DECIMAL, in_app=_DECIMAL)),
            equal=_COUNT,
            totals=_object(kinds, **dict.fromkeys(kinds, _COUNT)),
        ),
    }


def _owed() -> dict[str, Schema]:
    step = _object(("description", "amount"), description=_TEXT, units=_TEXT, unit_amount=_TEXT, amount=_DECIMAL)
    step["properties"] |= {"units": {"type": ["string", "null"]}, "unit_amount": {"type": ["string", "null"]}}
    figures = {
        "units": _DECIMAL,
        "included_units": _DECIMAL,
        "overage_units": _DECIMAL,
        "billable_units": _DECIMAL,
        "amount": _DECIMAL,
        "unrounded_amount": _DECIMAL,
        "currency": _TEXT,
        "steps": _array(step),
    }
    period = {"period_start": _INSTANT, "period_end": _INSTANT}
    estimated = ("units", "billable_units", "amount", "unrounded_amount", "currency", "steps")
    record = _closed(
        ("quantity",),
        quantity=_NUMBER,
        **period,
        member=_TEXT,
        properties={"type": "object", "additionalProperties": _TEXT},
    )
    totals = ("rated", "adjusted", "invoiced", "difference")
    hash_: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    return {
        "StatementLine": _object(
            ("line", "charge", "units", "rated", "invoiced", "difference", "invoiced_from"),
            line=_TEXT,
            charge=_TEXT,
            charge_name=_TEXT,
            metric=_TEXT,
            units=_DECIMAL,
            rated=_DECIMAL,
            invoiced=_DECIMAL,
            difference=_DECIMAL,
            invoiced_from={"type": "string", "enum": list(SOURCES)},
            records=_COUNT,
            revisions=_COUNT,
            missing_days=_array({"type": "string", "format": "date"}),
            corrects=_INSTANT,
        ),
        "Statement": _object(
            ("format", "subscription", "period_start", "period_end", "lines", "totals", "hash"),
            format=_COUNT,
            subscription=_TEXT,
            customer_name=_TEXT,
            plan=_TEXT,
            currency=_TEXT,
            timezone=_TEXT,
            odoo_order_id=_COUNT,
            **period,
            invoiced_at={"type": ["string", "null"], "format": "date-time"},
            closed_at=_INSTANT,
            lines=_array(ref("StatementLine")),
            totals=_object(totals, **dict.fromkeys(totals, _DECIMAL)),
            previous_hash={"type": ["string", "null"]},
            hash=hash_,
        ),
        "EstimateRequest": _closed(
            charge=_ANY,
            charge_code=_TEXT,
            metric=_ANY,
            units=_NUMBER,
            records=_array(record),
            previous_units=_NUMBER,
            subscription=_TEXT,
            period_start=_INSTANT,
        ),
        "Estimate": _object(estimated, **{name: figures[name] for name in estimated}, **period),
        "Rating": _object(("charge", "amount", "currency"), charge=_TEXT, metric=_TEXT, **period, **figures),
        "RatingDetail": {
            "allOf": [
                ref("Rating"),
                _object(
                    records_cursor={"type": ["string", "null"]},
                    steps_total=_COUNT,
                    steps_next={
                        "type": ["integer", "null"],
                        "description": "the `steps_from` of the next steps; null where these are the last",
                    },
                ),
            ]
        },
        "CurrentUsage": _object(
            ("subscription", "period_start", "period_end", "metrics"),
            subscription=_TEXT,
            **period,
            as_of=_INSTANT,
            currency=_TEXT,
            state=_TEXT,
            metrics=_array(
                _object(
                    ("metric", "units"),
                    metric=_TEXT,
                    units=_DECIMAL,
                    projection=_ANY,
                    unbilled=_object(
                        ("units", "records_before", "records_after"),
                        units=_DECIMAL,
                        records_before=_COUNT,
                        records_after=_COUNT,
                    ),
                )
            ),
        ),
    }


def _told() -> dict[str, Schema]:
    endpoint = {"url": {"type": "string", "format": "uri"}, "events": _TEXTS, "description": _TEXT}
    shown = {**endpoint, "id": _TEXT, "state": _TEXT}
    secret = {"type": "string", "pattern": "^whsec_"}
    return {
        "EndpointDefinition": _closed(("url", "events"), **endpoint),
        "EndpointChange": _object(**endpoint, state=_TEXT),
        "Endpoint": _object(("id", "url", "events"), **shown),
        "EndpointWithSecret": {"allOf": [ref("Endpoint"), _object(("secret",), secret=secret)]},
        "Replay": _closed(("since",), since=_INSTANT, states=_TEXTS),
        "Accepted": _ANY,
        "Delivery": _object(id=_TEXT, type=_TEXT, state=_TEXT, tries=_COUNT, attempts=_array(_ANY)),
    }


def _operated() -> dict[str, Schema]:
    scopes = _array({"type": "string", "enum": sorted(SCOPES)}, minItems=1)
    source = {"name": _TEXT, "metrics": _TEXTS, "plans": _TEXTS}
    new_source = {"name": _TEXT, "metrics": _or_null(_TEXTS), "plans": _or_null(_TEXTS)}
    return {
        "SourceDefinition": _closed(("name",), **new_source),
        "Source": _object(("id", "name"), id=_TEXT, **source, keys={"type": "array"}),
        "KeyDefinition": _closed(("scopes",), scopes=scopes),
        "Key": _object(("id", "key", "scopes"), id=_TEXT, key=_TEXT, scopes=scopes),
        "RunRequest": _closed(subscription=_TEXT, sweep={"type": "boolean"}),
        "Run": _object(
            ("run", "status", "started_at", "remaining_tasks", "evaluated", "changed", "failed"),
            run=_TEXT,
            status=_TEXT,
            started_at=_INSTANT,
            remaining_tasks=_COUNT,
            evaluated=_COUNT,
            changed=_COUNT,
            failed=_COUNT,
        ),
        "Line": _object(
            ("id", "subscription", "charge", "state", "version", "amount", "currency"),
            id=_TEXT,
            subscription=_TEXT,
            charge=_TEXT,
            period_start=_INSTANT,
            state=_TEXT,
            version=_COUNT,
            amount=_DECIMAL,
            currency=_TEXT,
            tries=_COUNT,
            error=_object(("code", "message"), code=_TEXT, message=_TEXT),
            changes_in_odoo=_array(
                _object(
                    ("found", "amount", "action", "at"),
                    odoo_line_id={"type": ["integer", "null"]},
                    odoo_order_id={"type": ["integer", "null"]},
                    found=_array({"type": "string", "enum": list(FOUND)}),
                    amount=_DECIMAL,
                    odoo_amount={"type": ["string", "null"]},
                    action=_TEXT,
                    why=_TEXT,
                    at=_INSTANT,
                    repaired_at=_array(_INSTANT),
                )
            ),
        ),
        "ReconcileRequest": _closed(subscription=_TEXT, period_start=_INSTANT, mend={"type": "boolean"}, cursor=_TEXT),
        "SyncRequest": _closed(full={"type": "boolean"}),
        "Report": _ANY,
        "Health": _object(("status", "version"), status=_TEXT, version=_TEXT),
        "Document": _ANY,
        "Fault": _object(("field", "code", "message"), field=_TEXT, code=_FAULT_CODE, message=_TEXT, stored=_TEXT),
        "Problem": _object(
            ("type", "title", "status", "detail", "code"),
            type=_TEXT,
            title=_TEXT,
            status=_COUNT,
            detail=_TEXT,
            code=_PROBLEM_CODE,
            errors=_array(ref("Fault"), maxItems=MAX_FAULTS),
            errors_total=_COUNT,
            started_at=_INSTANT,
            ended_at=_INSTANT,
            reference=_TEXT,
            outcome=_TEXT,
            idempotency_key={"type": ["string", "null"]},
            revision={"type": ["integer", "null"]},
        ),
    }
