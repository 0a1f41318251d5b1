"""The catalog as one rating run uses it: every metric and charge at one moment."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from fusion_billing.billing.pricing import CurrencyMismatch, PricedSubscription, Pricing, pricing
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.subscription_history import PlanChange
from fusion_billing.errors import Refused

_Memo = tuple[str, str, tuple[PlanChange, ...], str, str, datetime, datetime]


class PriceBook:
    """Metrics and charge versions by code, with a memory of the pricings computed."""

    def __init__(self, metrics: Iterable[Metric], charges: Iterable[Sequence[Charge]]) -> None:
        self._metrics = {metric.code: metric for metric in metrics}
        self._charges = {versions[0].code: versions for versions in charges if versions}
        self._on: dict[str, list[str]] = {}
        for code, versions in sorted(self._charges.items()):
            self._on.setdefault(versions[0].metric, []).append(code)
        self._for_one = {
            code
            for code, versions in self._charges.items()
            if any(version.applies_to.subscriptions is not None for version in versions)
        }
        self._memo: dict[_Memo, Pricing | None] = {}

    @property
    def by_metric(self) -> Mapping[str, Sequence[str]]:
        """Return the codes of the charges on each metric that any charge is on."""
        return self._on

    def metric(self, code: str) -> Metric | None:
        """Return a metric as it is defined now."""
        return self._metrics.get(code)

    def newest(self, charge: str) -> Charge | None:
        """Return a charge's newest version."""
        versions = self._charges.get(charge)
        return versions[-1] if versions is not None else None

    def pricing(self, charge: str, subscription: PricedSubscription, start: datetime, end: datetime) -> Pricing | None:
        """Return what prices `subscription`'s usage of `charge` in `[start, end)`, None where it does not apply.

        It applies if it does in any part of the period that `subscription` lives. A charge in another currency does
        not, if another one on its metric applies in the subscription's. Raises as `pricing.pricing` does, and
        `LookupError` where the charge's metric does not exist.
        """
        try:
            return self._priced(charge, subscription, start, end)
        except CurrencyMismatch:
            if any(
                self._applies(other, subscription, start, end)
                for other in self._on[self._charges[charge][0].metric]
                if self._charges[other][0].currency == subscription.currency
            ):
                return None
            raise

    def _applies(self, charge: str, subscription: PricedSubscription, start: datetime, end: datetime) -> bool:
        try:
            return self._priced(charge, subscription, start, end) is not None
        except Refused:
            return True  # the fault of its override is reported for that charge itself

    def _priced(self, charge: str, subscription: PricedSubscription, start: datetime, end: datetime) -> Pricing | None:
        price = self._of_the_period(charge, subscription, start, end)
        return price if price is not None and price.applies_to(subscription) else None

    def _of_the_period(
        self, charge: str, subscription: PricedSubscription, start: datetime, end: datetime
    ) -> Pricing | None:
        if charge in subscription.overrides or charge in self._for_one:
            return self._compute(charge, subscription, start, end)
        memo = (
            charge,
            subscription.plan,
            tuple(subscription.plan_history),
            subscription.currency,
            subscription.timezone,
            start,
            end,
        )
        if memo not in self._memo:
            self._memo[memo] = self._compute(charge, subscription, start, end)
        return self._memo[memo]

    def _compute(self, charge: str, subscription: PricedSubscription, start: datetime, end: datetime) -> Pricing | None:
        versions = self._charges[charge]
        metric = self._metrics.get(versions[0].metric)
        if metric is None:
            raise LookupError(f"Charge {charge} is on metric {versions[0].metric}, which does not exist")
        return pricing(versions, metric, subscription, start, end)
