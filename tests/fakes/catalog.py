"""The catalog: metrics and charges, and the look-up of what a usage record names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from fusion_billing.billing.price_book import PriceBook
from fusion_billing.catalog.change import Change, ChangeEntry
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Idempotency, Metric
from fusion_billing.dynamodb.catalog.definitions import Stored
from fusion_billing.dynamodb.catalog.targets import Found, Key, metric_key, source_key, subscription_key
from fusion_billing.dynamodb.keys import CHARGE, METRIC, DefinitionKind
from fusion_billing.errors import VersionConflict
from fusion_billing.metering.admission import Target
from fusion_billing.retry import Deadline
from tests.rating_definitions import a_charge, a_metric

Value = TypeVar("Value")


@dataclass
class FakeCatalog:
    """Metrics and charges in memory; a write over another version than the stored one is a conflict.

    `overtaken_by` runs before the next write, as another writer would.
    """

    stored_metrics: dict[str, Stored[Metric]] = field(default_factory=dict)
    stored_charges: dict[str, Stored[tuple[Charge, ...]]] = field(default_factory=dict)
    changes: dict[tuple[str, str], list[Change]] = field(default_factory=dict)
    created_at: dict[str, datetime] = field(default_factory=dict)
    keyings: dict[str, Idempotency] = field(default_factory=dict)
    overtaken_by: Callable[[], None] | None = None

    def define_metric(self, code: str = "api_calls", aggregation: str = "sum") -> None:
        """Define a metric."""
        self.stored_metrics[code] = Stored(a_metric(code, aggregation), 1)

    def define_charge(self, code: str = "api_calls", fields: Mapping[str, object] | None = None) -> None:
        """Define a charge of 0.10 USD a unit, 10 units included, except for `fields`."""
        self.stored_charges[code] = Stored((a_charge(code, fields),), 1)

    def price_book(self) -> PriceBook:
        """Return the catalog as rating reads it."""
        return PriceBook([stored.value for stored in self.stored_metrics.values()], self.charges().values())

    def metrics(self) -> dict[str, Metric]:
        return {code: stored.value for code, stored in self.stored_metrics.items()}

    def charge(self, code: str) -> list[Charge]:
        return self.charges().get(code, [])

    def metric(self, code: str) -> Metric | None:
        return self.stored_metrics[code].value if code in self.stored_metrics else None

    def charges(self) -> dict[str, list[Charge]]:
        return {code: list(stored.value) for code, stored in self.stored_charges.items()}

    def stored_metric(self, code: str) -> Stored[Metric] | None:
        return self.stored_metrics.get(code)

    def stored_charge(self, code: str) -> Stored[tuple[Charge, ...]] | None:
        return self.stored_charges.get(code)

    def metric_page(self, after: str | None, limit: int) -> tuple[list[Stored[Metric]], str | None]:
        return _page(self.stored_metrics, after, limit)

    def charge_page(self, after: str | None, limit: int) -> tuple[list[Stored[tuple[Charge, ...]]], str | None]:
        return _page(self.stored_charges, after, limit)

    def history(self, kind: DefinitionKind, code: str) -> list[ChangeEntry]:
        changes = self.changes.get((kind, code), [])
        return [change.as_json(number) for number, change in enumerate(changes, 1)]

    def put_metric(self, metric: Metric, expected: int | None, change: Change | None = None) -> int:
        self.keyings[metric.code] = "window" if metric.by_window else "key"
        self._check(self.stored_metrics, metric.code, expected)
        self.stored_metrics[metric.code] = Stored(metric, (expected or 0) + 1)
        return self._note(METRIC, metric.code, expected, change)

    def idempotency_of_records(self, code: str) -> Idempotency | None:
        return self.keyings.get(code)

    def refs_of(self, code: str) -> int:
        return sum(stored.value[0].metric == code for stored in self.stored_charges.values())

    def delete_metric(self, code: str, refs: int, change: Change | None = None) -> None:
        del self.stored_metrics[code]

    def put_charge(self, versions: Sequence[Charge], expected: int | None, change: Change | None = None) -> int:
        code = versions[0].code
        self._check(self.stored_charges, code, expected)
        self.stored_charges[code] = Stored(tuple(versions), (expected or 0) + 1)
        return self._note(CHARGE, code, expected, change)

    def delete_charge(self, code: str, expected: int, change: Change | None = None) -> None:
        del self.stored_charges[code]

    def _check(self, items: Mapping[str, Stored[Value]], code: str, expected: int | None) -> None:
        if self.overtaken_by is not None:
            other, self.overtaken_by = self.overtaken_by, None
            other()
        if expected != (items[code].version if code in items else None):
            raise VersionConflict("The definition was written meanwhile")

    def _note(self, kind: DefinitionKind, code: str, expected: int | None, change: Change | None) -> int:
        if change is not None:
            self.changes.setdefault((kind, code), []).append(change)
        return (expected or 0) + 1


def _page(items: Mapping[str, Stored[Value]], after: str | None, limit: int) -> tuple[list[Stored[Value]], str | None]:
    codes = sorted(code for code in items if after is None or code > after)
    return [items[code] for code in codes[:limit]], codes[limit - 1] if len(codes) > limit else None


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
