"""Admit usage records: look up what the records of a request name, all at once, and refuse what can't be counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from functions.ingest.ports import Targets
from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.catalog.targets import Found, Key, metric_key, source_key, subscription_key
from fusion_billing.errors import Fault
from fusion_billing.metering.admission import Admission, admission, is_long, life_of, window_faults
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.metering.window_keys import assign_key
from fusion_billing.retry import Deadline

Names = tuple[str, str, str]
"""The subscription, metric and source that a record names."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record can't be counted; `details` are the bounds of its subscription that its window exceeds."""

    faults: tuple[Fault, ...]
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordAdmission:
    """Admits the records of one request."""

    targets: Targets
    principal: Principal
    deadline: Deadline

    def refusals(self, records: Mapping[int, UsageRecord]) -> dict[int, Refusal | None]:
        """Return the records that can't be counted, by index: the reason, or None if it could not be looked up.

        Every other record is given the source that it belongs to and its subscription's own id. What memory
        would refuse is read again first.
        """
        aggregations = any(map(is_long, records.values()))
        keys = self._keys(records.values())
        found = self.targets.find(keys, self.deadline, aggregations=aggregations)
        refused = self._judge(records, found)
        doubtful = self._keys(records[index] for index in refused) & found.remembered
        if doubtful:
            again = self.targets.find(doubtful, self.deadline, fresh=True, aggregations=aggregations)
            certain = {key: target for key, target in found.targets.items() if key not in doubtful}
            found = Found(certain | again.targets, found.unknown | again.unknown)
            refused = self._judge({index: records[index] for index in refused}, found)
        return refused

    def _keys(self, records: Iterable[UsageRecord]) -> set[Key]:
        keys: set[Key] = set()
        for subscription, metric, source in {_names(record) for record in records}:
            keys |= {subscription_key(subscription), metric_key(metric)}
            if self._is_on_behalf(source):
                keys.add(source_key(source))
        return keys

    def _is_on_behalf(self, source: str) -> bool:
        return self.principal.is_admin and source not in {"", self.principal.source}

    def _judge(self, records: Mapping[int, UsageRecord], found: Found) -> dict[int, Refusal | None]:
        refused: dict[int, Refusal | None] = {}
        known: dict[Names, Admission | None] = {}
        for index, record in records.items():
            names = _names(record)
            if names not in known:
                known[names] = self._admission(record, found)
            admitted = known[names]
            if admitted is None:
                refused[index] = None
                continue
            faults = admitted.faults or window_faults(admitted, record)
            if faults:
                refused[index] = Refusal(faults, life_of(admitted, faults))
                continue
            self._assign(record, admitted)
            fault = assign_key(record, by_window=admitted.by_window)
            if fault is not None:
                record.subscription, _, record.source = names  # as pushed: it may be judged again
                refused[index] = Refusal((fault,))
        return refused

    def _admission(self, record: UsageRecord, found: Found) -> Admission | None:
        if not found.unknown.isdisjoint(self._keys([record])):
            return None
        return admission(
            self.principal,
            record,
            metric=found.targets.get(metric_key(record.metric)),
            subscription=found.targets.get(subscription_key(record.subscription)),
            source=found.targets.get(source_key(record.source)),
        )

    def _assign(self, record: UsageRecord, admitted: Admission) -> None:
        """Give a record its subscription's own id, its source, and the key that sends it on another's behalf."""
        record.subscription = admitted.subscription
        if self._is_on_behalf(record.source):
            record.actor = self.principal.actor
        else:
            record.source = self.principal.source


def _names(record: UsageRecord) -> Names:
    return record.subscription, record.metric, record.source
