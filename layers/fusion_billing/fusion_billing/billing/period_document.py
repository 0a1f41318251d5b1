"""The document of a period's own rating, made of the engine's result and of what priced it."""

from collections.abc import Iterable
from datetime import datetime

from fusion_billing.billing.pricing import PricedSubscription, Pricing
from fusion_billing.billing.rating_document import RULES, RatingDocument
from fusion_billing.billing.step_text import StepText
from fusion_billing.catalog.valid_from import shown
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import plain
from fusion_billing.rating.exact import readable
from fusion_billing.rating.result import RatingResult, Step


def period_document(
    price: Pricing,
    subscription: PricedSubscription,
    period_start: datetime,
    period_end: datetime,
    result: RatingResult,
) -> RatingDocument:
    """Return the document of a period's own rating."""
    charge, metric, definitions = price.charge, price.metric, price.as_json
    charge_json = definitions["priced_by"][price.versions.index(charge)]
    return RatingDocument(
        charge=charge.code,
        charge_name=charge.name,
        metric=metric.code,
        unit=metric.unit,
        plan=subscription.plan,
        odoo_order_id=subscription.odoo_order_id,
        odoo_product_id=charge.odoo_product_id,
        timezone=subscription.timezone,
        period_start=period_start,
        period_end=period_end,
        units=plain(result.units),
        included_units=plain(result.included_units),
        overage_units=plain(result.billable_units),
        billable_units=plain(result.billable_units),
        amount=with_digits(result.amount, result.currency),
        unrounded_amount=plain(result.unrounded_amount),
        currency=result.currency,
        steps=step_texts(result.steps),
        price_versions=[None if version is None else shown(version) for version in result.price_versions],
        priced_by=definitions["priced_by"],
        metric_definition=definitions["metric_definition"],
        price_spans=definitions.get("price_spans"),
        rules=RULES,
        names=dict(charge.names) if charge.names else None,
        tax_behavior=charge_json.get("tax_behavior"),
        analytic_distribution=charge_json.get("analytic_distribution"),
    )


def step_texts(steps: Iterable[Step]) -> tuple[StepText, ...]:
    """Return steps with their figures as text; a figure that does not end is rounded to 38 digits."""
    return tuple(
        [
            StepText(
                step.description,
                plain(readable(step.units)),
                plain(readable(step.unit_amount)),
                plain(readable(step.amount)),
            )
            for step in steps
        ]
    )
