"""Which charges a subscription pays in a billing period, and by which of their versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fusion_billing.decimals import ZERO
from fusion_billing.definitions.charge import Charge, ChargeOverride
from fusion_billing.definitions.metric import Metric
from fusion_billing.definitions.overrides import dated
from fusion_billing.definitions.price_models import PerUnit
from fusion_billing.definitions.subscription_history import PlanChange
from fusion_billing.rating.versions import in_force


@dataclass(frozen=True)
class Pricing:
    """What prices one charge's usage in one period: the versions in force, ordered, overrides laid over.

    A version that was not active, or not for this subscription, is among them at no price, so that the
    units of its days count towards the tiers and cost nothing.
    """

    versions: tuple[Charge, ...]
    metric: Metric

    @property
    def charge(self) -> Charge:
        """Return the newest version, which names and numbers the rating."""
        return self.versions[-1]

    @cached_property
    def as_json(self) -> dict[str, Any]:
        """Return what a rating keeps of it, so that an invoiced period is rated by what priced it then."""
        return {
            "priced_by": [version.as_json() for version in self.versions],
            "metric_definition": self.metric.as_json(),
        }


def from_document(doc: Mapping[str, Any]) -> Pricing:
    """Return the pricing that a rating's document keeps."""
    return Pricing(
        tuple(Charge.model_validate(version) for version in doc["priced_by"]),
        Metric.model_validate(doc["metric_definition"]),
    )


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who pays: what pricing and a line need to know of a subscription.

    `plan_history` is empty where `plan` has always been in force; `lived_from` and `lived_until` bound its
    life (None: not bounded).
    """

    id: str
    plan: str
    currency: str
    timezone: str
    odoo_order_id: int
    overrides: Mapping[str, ChargeOverride | tuple[ChargeOverride, ...]]
    plan_history: Sequence[PlanChange] = ()
    lived_from: datetime | None = None
    lived_until: datetime | None = None


class CurrencyMismatch(ValueError):
    """A charge is in another currency than the subscription it applies to."""


def pricing(
    versions: Sequence[Charge], metric: Metric, who: Subscriber, period_start: datetime, period_end: datetime
) -> Pricing | None:
    """Return what prices `who`'s usage of a charge in a period, or None where the charge does not apply.

    `versions` are all of the charge's. It applies if any version in force in the period is active and
    covers the subscription. Raises `CurrencyMismatch`, and `Refused` where an override does not fit.
    """
    priced_in = [part.version for part in in_force(versions, period_start, period_end)]
    effective = [
        one.active and one.applies_to.covers(plan=who.plan, subscription=who.id) for one in priced_in
    ]
    if not any(effective):
        return None
    override = next(iter(dated(who.overrides.get(priced_in[-1].code))), None)
    priced = []
    for version, applies in zip(priced_in, effective, strict=True):
        if not applies:
            priced.append(_at_no_price(version))
            continue
        if version.currency != who.currency:
            raise CurrencyMismatch(
                f"charge {version.code} is in {version.currency}, the subscription in {who.currency}"
            )
        priced.append(version.with_override(override) if override is not None else version)
    return Pricing(tuple(priced), metric)


def _at_no_price(version: Charge) -> Charge:
    free = {
        "model": PerUnit(type="per_unit", unit_amount=ZERO),
        "minimum_amount": None,
        "maximum_amount": None,
        "filters": (),
        "group_by": (),
        "thresholds": None,
    }
    return version.model_copy(update=free)
