"""The schemas of ratings, statements and estimates."""

from functions.admin.services.openapi.schema_parts import (
    ANY_OBJECT,
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
from fusion_billing.statements.statement import SOURCES


def rating_schemas() -> dict[str, Schema]:
    """Return the schemas of ratings, statements and estimates, by name."""
    step = object_(("description", "amount"), description=TEXT, units=TEXT, unit_amount=TEXT, amount=DECIMAL_TEXT)
    step["properties"] |= {"units": {"type": ["string", "null"]}, "unit_amount": {"type": ["string", "null"]}}
    figures = {
        "units": DECIMAL_TEXT,
        "included_units": DECIMAL_TEXT,
        "overage_units": DECIMAL_TEXT,
        "billable_units": DECIMAL_TEXT,
        "amount": DECIMAL_TEXT,
        "unrounded_amount": DECIMAL_TEXT,
        "currency": TEXT,
        "steps": array(step),
    }
    period = {"period_start": INSTANT, "period_end": INSTANT}
    estimated = ("units", "billable_units", "amount", "unrounded_amount", "currency", "steps")
    record = closed_object(
        ("quantity",),
        quantity=NUMBER,
        **period,
        member=TEXT,
        properties={"type": "object", "additionalProperties": TEXT},
    )
    totals = ("rated", "adjusted", "invoiced", "difference")
    hash_: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    return {
        "StatementLine": object_(
            ("line", "charge", "units", "rated", "invoiced", "difference", "invoiced_from"),
            line=TEXT,
            charge=TEXT,
            charge_name=TEXT,
            metric=TEXT,
            units=DECIMAL_TEXT,
            rated=DECIMAL_TEXT,
            invoiced=DECIMAL_TEXT,
            difference=DECIMAL_TEXT,
            invoiced_from={"type": "string", "enum": list(SOURCES)},
            records=COUNT,
            revisions=COUNT,
            missing_days=array({"type": "string", "format": "date"}),
            corrects=INSTANT,
        ),
        "Statement": object_(
            ("format", "subscription", "period_start", "period_end", "lines", "totals", "hash"),
            format=COUNT,
            subscription=TEXT,
            customer_name=TEXT,
            plan=TEXT,
            currency=TEXT,
            timezone=TEXT,
            odoo_order_id=COUNT,
            **period,
            invoiced_at={"type": ["string", "null"], "format": "date-time"},
            closed_at=INSTANT,
            lines=array(ref("StatementLine")),
            totals=object_(totals, **dict.fromkeys(totals, DECIMAL_TEXT)),
            previous_hash={"type": ["string", "null"]},
            hash=hash_,
        ),
        "EstimateRequest": closed_object(
            charge=ANY_OBJECT,
            charge_code=TEXT,
            metric=ANY_OBJECT,
            units=NUMBER,
            records=array(record),
            previous_units=NUMBER,
            subscription=TEXT,
            period_start=INSTANT,
        ),
        "Estimate": object_(estimated, **{name: figures[name] for name in estimated}, **period),
        "Rating": object_(("charge", "amount", "currency"), charge=TEXT, metric=TEXT, **period, **figures),
        "RatingDetail": {
            "allOf": [
                ref("Rating"),
                object_(
                    records_cursor={"type": ["string", "null"]},
                    steps_total=COUNT,
                    steps_next={
                        "type": ["integer", "null"],
                        "description": "the `steps_from` of the next steps; null where these are the last",
                    },
                ),
            ]
        },
        "CurrentUsage": object_(
            ("subscription", "period_start", "period_end", "metrics"),
            subscription=TEXT,
            **period,
            calculated_at=INSTANT,
            currency=TEXT,
            timezone=TEXT,
            state=TEXT,
            metrics=array(
                object_(
                    ("metric", "units"),
                    metric=TEXT,
                    units=DECIMAL_TEXT,
                    projection=ANY_OBJECT,
                    days=array(object_(("date", "units"), date=TEXT, units=DECIMAL_TEXT)),
                    unbilled=object_(
                        ("units", "records_before", "records_after"),
                        units=DECIMAL_TEXT,
                        records_before=COUNT,
                        records_after=COUNT,
                    ),
                )
            ),
        ),
    }
