"""Find what prices a subscription's usage of a charge in a billing period, and when each price applies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fusion_billing.billing.priced_subscription import PricedSubscription
from fusion_billing.billing.spans import fitted, price_spans
from fusion_billing.billing.stored_price import PriceDefinitions, StoredPrice
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.rating.engine import rate_spans
from fusion_billing.rating.price_spans import PriceSpan, of_versions
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

__all__ = ["CurrencyMismatch", "PricedSubscription", "Pricing", "metric_of", "pricing", "pricing_of"]


@dataclass(frozen=True)
class Pricing:
    """The prices of one charge in one period: contiguous spans, at least one of them with a charge.

    The spans tile the whole period. The subscription's lifetime is applied only when the period is rated, since
    it may still change when the prices no longer do.
    """

    spans: tuple[PriceSpan, ...]
    metric: Metric

    @cached_property
    def versions(self) -> tuple[Charge, ...]:
        """Return the charge versions that apply, each once, in the order they come into force."""
        return tuple(_distinct(span.charge for span in self.spans if span.charge is not None))

    @property
    def charge(self) -> Charge:
        """Return the version in force last, which gives the rating its name, product and currency."""
        return next(span.charge for span in reversed(self.spans) if span.charge is not None)

    @cached_property
    def as_json(self) -> PriceDefinitions:
        """Return the pricing as a rating stores it, so that an invoiced period is rated again at the same price.

        `price_spans` is left out if it follows from the versions alone.
        """
        json: PriceDefinitions = {
            "priced_by": [version.as_json() for version in self.versions],
            "metric_definition": self.metric.as_json(),
        }
        if list(self.spans) != of_versions(self.versions, self.spans[0].start, self.spans[-1].end):
            json["price_spans"] = [self._span_json(span) for span in self.spans]
        return json

    def rate(
        self, records: Iterable[Record], subscription: PricedSubscription, start: datetime, end: datetime
    ) -> RatingResult:
        """Return what `records` come to in the period `[start, end)`, as far as `subscription` lives in it."""
        return rate_spans(
            fitted(self.spans, start, end),
            self.metric,
            records,
            period_start=start,
            period_end=end,
            lived_start=subscription.lived_from,
            lived_end=subscription.lived_until,
            whole_start=subscription.whole_from,
            timezone=subscription.timezone,
        )

    def applies_to(self, subscription: PricedSubscription) -> bool:
        """Return whether any of it lies in the part of the period that `subscription` lives."""
        return any(
            (subscription.lived_until is None or span.start < subscription.lived_until)
            and (subscription.lived_from is None or span.end > subscription.lived_from)
            for span in self.spans
            if span.charge is not None
        )

    def _span_json(self, span: PriceSpan) -> dict[str, Any]:
        version = None if span.charge is None else self.versions.index(span.charge)
        return {"start": rfc3339(span.start), "end": rfc3339(span.end), "version": version}


def pricing_of(price: StoredPrice) -> Pricing:
    """Return the pricing that a rating stored."""
    definitions = price.definitions
    versions = tuple(Charge.model_validate(version) for version in definitions["priced_by"])
    metric = metric_of(price)
    if "price_spans" in definitions:
        return Pricing(tuple(_read_span(span, versions) for span in definitions["price_spans"]), metric)
    return Pricing(tuple(of_versions(versions, price.period_start, price.period_end)), metric)


def metric_of(price: StoredPrice) -> Metric:
    """Return the metric as a rating stored it."""
    return Metric.model_validate(price.definitions["metric_definition"])


class CurrencyMismatch(ValueError):
    """A charge is in another currency than the subscription it applies to."""


def pricing(
    versions: Sequence[Charge],
    metric: Metric,
    subscription: PricedSubscription,
    period_start: datetime,
    period_end: datetime,
) -> Pricing | None:
    """Return what prices `subscription`'s usage of a charge in a period, or None where the charge does not apply.

    `versions` are all of the charge's. It applies if in any part of the period, lived or not, a version in
    force is active and covers the plan in force. Raises `CurrencyMismatch`, and `Refused` where an override
    does not fit.
    """
    spans = price_spans(versions, subscription, period_start, period_end)
    charge = next((span.charge for span in spans if span.charge is not None), None)
    if charge is None:
        return None
    if charge.currency != subscription.currency:
        raise CurrencyMismatch(
            f"charge {charge.code} is in {charge.currency}, the subscription in {subscription.currency}"
        )
    return Pricing(spans, metric)


def _read_span(span: Mapping[str, Any], versions: Sequence[Charge]) -> PriceSpan:
    charge = None if span["version"] is None else versions[span["version"]]
    return PriceSpan(parse_instant(span["start"]), parse_instant(span["end"]), charge)


def _distinct(charges: Iterable[Charge]) -> list[Charge]:
    found: list[Charge] = []
    for charge in charges:
        if charge not in found:
            found.append(charge)
    return found
