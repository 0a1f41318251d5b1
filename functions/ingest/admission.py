"""Which pushes of a request can be counted, and where they go: one look-up for all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.catalog.targets import Found, Key, metric_key, source_key, subscription_key
from fusion_billing.errors import Fault
from fusion_billing.metering.admission import Admission, admission, is_long, life_of, window_faults
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

Names = tuple[str, str, str]
"""The subscription, metric and source in a record."""


class Targets(Protocol):
    """Which metrics, subscriptions and sources exist (`dynamodb.catalog.targets.TargetStore`)."""

    def find(
        self, keys: Iterable[Key], deadline: Deadline, *, fresh: bool = False, aggregations: bool = False
    ) -> Found:
        """Return which of `keys` exist: from memory too, unless `fresh`; metrics with their aggregations."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a push can't be counted; `details` are the bounds of its subscription's life that it exceeds."""

    faults: tuple[Fault, ...]
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admitting:
    """The admission of one request's pushes, for whoever sent them."""

    targets: Targets
    principal: Principal
    deadline: Deadline

    def refusals(self, pushes: Mapping[int, UsageRecord]) -> dict[int, Refusal | None]:
        """Return, by place, what can't be counted: why, or None where that could not be found out.

        Every other push now has the source whose it is, and its subscription's own id. Nothing is refused
        from memory: what would be is looked up again.
        """
        aggregations = any(map(is_long, pushes.values()))
        keys = self._keys(pushes.values())
        found = self.targets.find(keys, self.deadline, aggregations=aggregations)
        refused = self._judge(pushes, found)
        doubtful = self._keys(pushes[index] for index in refused) & found.remembered
        if doubtful:
            again = self.targets.find(doubtful, self.deadline, fresh=True, aggregations=aggregations)
            certain = {key: target for key, target in found.targets.items() if key not in doubtful}
            found = Found(certain | again.targets, found.unknown | again.unknown)
            refused = self._judge({index: pushes[index] for index in refused}, found)
        return refused

    def _keys(self, pushes: Iterable[UsageRecord]) -> set[Key]:
        keys: set[Key] = set()
        for subscription, metric, source in {_names(push) for push in pushes}:
            keys |= {subscription_key(subscription), metric_key(metric)}
            if self._is_on_behalf(source):
                keys.add(source_key(source))
        return keys

    def _is_on_behalf(self, source: str) -> bool:
        return self.principal.is_admin and source not in {"", self.principal.source}

    def _judge(self, pushes: Mapping[int, UsageRecord], found: Found) -> dict[int, Refusal | None]:
        refused: dict[int, Refusal | None] = {}
        known: dict[Names, Admission | None] = {}
        for index, push in pushes.items():
            names = _names(push)
            if names not in known:
                known[names] = self._admission(push, found)
            admitted = known[names]
            if admitted is None:
                refused[index] = None
                continue
            faults = admitted.faults or window_faults(admitted, push)
            if faults:
                refused[index] = Refusal(faults, life_of(admitted, faults))
            else:
                self._settle(push, admitted)
        return refused

    def _admission(self, push: UsageRecord, found: Found) -> Admission | None:
        if not found.unknown.isdisjoint(self._keys([push])):
            return None
        return admission(
            self.principal,
            push,
            metric=found.targets.get(metric_key(push.metric)),
            subscription=found.targets.get(subscription_key(push.subscription)),
            source=found.targets.get(source_key(push.source)),
        )

    def _settle(self, push: UsageRecord, admitted: Admission) -> None:
        push.subscription = admitted.subscription
        if self._is_on_behalf(push.source):
            push.actor = self.principal.key_id
        else:
            push.source = self.principal.source


def _names(push: UsageRecord) -> Names:
    return push.subscription, push.metric, push.source
