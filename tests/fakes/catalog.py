"""The catalogue: metrics and charges, and the look-up of what a usage record names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.billing.price_book import PriceBook
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.catalog.targets import Found, Key, metric_key, source_key, subscription_key
from fusion_billing.metering.admission import Target
from fusion_billing.retry import Deadline


@dataclass
class FakeCatalog:
    """Metrics and charges in memory."""

    metrics: dict[str, Metric] = field(default_factory=dict)
    charges: dict[str, tuple[Charge, ...]] = field(default_factory=dict)
    created_at: dict[str, datetime] = field(default_factory=dict)

    def metric(self, code: str = "api_calls", aggregation: str = "sum") -> None:
        """Define a metric."""
        self.metrics[code] = parse(Metric, {"name": code, "unit": "call", "aggregation": aggregation}, code=code)

    def charge(self, code: str = "api_calls", fields: Mapping[str, object] | None = None) -> None:
        """Define a charge of 0.10 USD a unit, 10 units included, except for `fields`."""
        definition = {
            "name": code,
            "metric": "api_calls",
            "applies_to": {"plans": ["Pro"]},
            "currency": "USD",
            "odoo_product_id": 7,
            "included_units": "10",
            "model": {"type": "per_unit", "unit_amount": "0.10"},
            **(fields or {}),
        }
        self.charges[code] = (parse(Charge, definition, code=code),)

    def price_book(self) -> PriceBook:
        """Return the catalogue as rating reads it."""
        return PriceBook(self.metrics.values(), self.charges.values())


@dataclass
class FakeTargets:
    """What usage records can name; `unreadable` can't be looked up, `remembered` is answered from memory."""

    targets: dict[Key, Target] = field(default_factory=dict)
    remembered: dict[Key, Target] = field(default_factory=dict)
    unreadable: set[Key] = field(default_factory=set)
    log: list[tuple[str, list[str]]] = field(default_factory=list)

    def metric(self, code: str, target: Target | None = None) -> None:
        self.targets[metric_key(code)] = target or Target()

    def subscription(self, name: str, target: Target) -> None:
        self.targets[subscription_key(name)] = target

    def source(self, source: str) -> None:
        self.targets[source_key(source)] = Target()

    def find(
        self, keys: Iterable[Key], deadline: Deadline, *, fresh: bool = False, aggregations: bool = False
    ) -> Found:
        requested = set(keys)
        self.log.append(("find", sorted("/".join(key) for key in requested)))
        remembered = set() if fresh else requested & self.remembered.keys()
        targets = {key: target for key, target in self.targets.items() if key in requested - self.unreadable}
        targets |= {key: self.remembered[key] for key in remembered}
        return Found(targets, requested & self.unreadable - remembered, remembered)
