"""Look up the metrics, subscriptions and sources that usage records name.

What exists is remembered for a minute. What does not is read again each time, since it may be created at any moment. Do
not reject a record from memory: look its target up again with `fresh`. A record that memory admits for up to a minute
too long (the subscription just ended, or its start was moved) is stored and shown, but not billed. One exception: an
alias that was given to another subscription may count for the former one for that minute (docs/usage.md).
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.attributes import ItemView
from fusion_billing.dynamodb.batch_reads import Projection
from fusion_billing.dynamodb.errors import is_transient
from fusion_billing.dynamodb.usage.metric_keying import KEYING, is_by_window
from fusion_billing.metering.admission import Target
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_SECONDS = 60.0
_REMEMBERED = 10_000
_NAMES = {"#plan": "plan", "#alias": "alias_of", "#starts": "starts", "#ends": "ends", "#keyed": KEYING}
_FIELDS = f"pk, sk, {', '.join(_NAMES)}"

Key = tuple[str, str]


def metric_key(code: str) -> Key:
    """Return the catalog key of a metric."""
    return keys.METRIC, code


def subscription_key(subscription: str) -> Key:
    """Return the catalog key of a subscription, by its ID or an alias."""
    return keys.subscription_partition(subscription), keys.SUBSCRIPTION_SORT_KEY


def source_key(source: str) -> Key:
    """Return the catalog key of a source."""
    return keys.SOURCE, source


@dataclass(slots=True)
class Found:
    """The result of a look-up.

    Attributes:
        targets: What exists, by key.
        unknown: The keys that could not be read.
        remembered: The keys that were found in memory.
    """

    targets: dict[Key, Target]
    unknown: set[Key] = field(default_factory=set)
    remembered: set[Key] = field(default_factory=set)


class TargetStore:
    """Looks up metrics, subscriptions and sources in the catalog table, 100 to a call."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._remembered: dict[Key, tuple[float, Target]] = {}  # oldest first

    def find(
        self, requested: Iterable[Key], deadline: Deadline, *, fresh: bool = False, aggregations: bool = False
    ) -> Found:
        """Return which of the `requested` keys exist; from memory if possible, unless `fresh`.

        With `aggregations`, metrics have their aggregation, at the same cost.
        """
        at = self._clock()
        found = Found({})
        missing: list[Key] = []
        for key in requested:
            known = None if fresh else self._known(key, at, aggregations=aggregations)
            if known is None:
                missing.append(key)
            else:
                found.targets[key] = known
                found.remembered.add(key)
        attempt = 0
        while missing:
            missing = self._read(missing, at, found, aggregations=aggregations)
            if missing and not deadline.wait(attempt):
                break
            attempt += 1
        found.unknown.update(missing)
        return found

    def _known(self, key: Key, at: float, *, aggregations: bool) -> Target | None:
        known = self._remembered.get(key)
        if known is None or at - known[0] >= REMEMBERED_SECONDS:
            return None
        is_short_of_it = aggregations and key[0] == keys.METRIC and known[1].aggregation is None
        return None if is_short_of_it else known[1]

    def _read(self, pending: list[Key], at: float, found: Found, *, aggregations: bool) -> list[Key]:
        """Read each key once; return the keys to read again."""
        left: list[ItemView] = []
        projection = Projection(f"{_FIELDS}, doc" if aggregations else _FIELDS, _NAMES)
        for chunk in batch_reads.chunks([keys.primary(pk, sk) for pk, sk in pending]):
            try:
                # A consistent read: a target that was created a moment ago is found.
                items, unprocessed = batch_reads.one_call(self._client, self._table, chunk, projection=projection)
            except (ClientError, BotoCoreError) as error:
                if not is_transient(error):
                    raise
                left += chunk
                continue
            for item in items:
                key = _key(item)
                found.targets[key] = _target(item, aggregations=aggregations)
                self._remember(key, at, found.targets[key])
            left += unprocessed
        return list(map(_key, left))

    def _remember(self, key: Key, at: float, target: Target) -> None:
        self._remembered.pop(key, None)
        while len(self._remembered) >= _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[key] = (at, target)


def _key(item: ItemView) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _target(item: dict[str, Any], *, aggregations: bool) -> Target:
    """Return the target of an item. Items of earlier releases have no bounds and no aliases."""
    pk = item["pk"]["S"]
    if pk == keys.METRIC:
        return Target(aggregation=_aggregation(item) if aggregations else None, by_window=is_by_window(item))
    if pk == keys.SOURCE:
        return Target(id=item["sk"]["S"])

    def text(name: str) -> str:
        value: str = item.get(name, {}).get("S", "")
        return value

    return Target(text("alias_of") or keys.parse_subscription_partition(pk), text("plan"), text("starts"), text("ends"))


def _aggregation(item: dict[str, Any]) -> str:
    aggregation: str = json.loads(item.get("doc", {}).get("S", "{}")).get("aggregation", "")
    return aggregation
