"""Which metrics and subscriptions exist, as ingest needs to know: present or not, and on which plan.

What was found is remembered for a minute; what was not is asked for again each time, since it may be made any
moment. A record pushed for something deleted less than a minute ago is thereby stored, and rated by nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.store.failures import is_transient
from fusion_billing.store.patience import Patience

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_SECONDS = 60.0
_REMEMBERED = 10_000
_READS = 100
_METRIC = "METRIC"

Key = tuple[str, str]


def metric_key(code: str) -> Key:
    """Return the catalogue key of a metric."""
    return _METRIC, code


def subscription_key(subscription: str) -> Key:
    """Return the catalogue key of a subscription."""
    return f"S#{subscription}", "SUB"


@dataclass(slots=True)
class Found:
    """What a look-up found: `plans` by key, empty for a metric; `unknown` could not be looked up just now."""

    plans: dict[Key, str]
    unknown: set[Key] = field(default_factory=set)


class TargetStore:
    """Looks metrics and subscriptions up in the catalogue table, a hundred to a call."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._remembered: dict[Key, tuple[float, str]] = {}  # oldest first

    def find(self, keys: Iterable[Key], patience: Patience) -> Found:
        """Return which of `keys` exist."""
        at = self._clock()
        found = Found({})
        missing: list[Key] = []
        for key in keys:
            known = self._remembered.get(key)
            if known is not None and at - known[0] < REMEMBERED_SECONDS:
                found.plans[key] = known[1]
            else:
                missing.append(key)
        attempt = 0
        while missing:
            missing = self._read(missing, at, found)
            if missing and not patience.wait(attempt):
                break
            attempt += 1
        found.unknown.update(missing)
        return found

    def _read(self, keys: list[Key], at: float, found: Found) -> list[Key]:
        """Read each key once; return those to be read again."""
        left: list[Key] = []
        for chunk in _chunks(keys, _READS):
            request: Any = {
                "Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in chunk],
                "ProjectionExpression": "pk, sk, #plan",
                "ExpressionAttributeNames": {"#plan": "plan"},
                "ConsistentRead": True,  # made a moment ago, it is there
            }
            try:
                answer = self._client.batch_get_item(RequestItems={self._table: request})
            except (ClientError, BotoCoreError) as error:
                if not is_transient(error):
                    raise
                left += chunk
                continue
            items: Any = answer["Responses"]
            for item in items.get(self._table, []):
                key = item["pk"]["S"], item["sk"]["S"]
                found.plans[key] = item.get("plan", {}).get("S", "")
                self._remember(key, at, found.plans[key])
            unread: Any = answer.get("UnprocessedKeys", {})
            left += [(key["pk"]["S"], key["sk"]["S"]) for key in unread.get(self._table, {}).get("Keys", ())]
        return left

    def _remember(self, key: Key, at: float, plan: str) -> None:
        self._remembered.pop(key, None)
        while len(self._remembered) >= _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[key] = (at, plan)


def _chunks(values: list[Key], size: int) -> Iterator[list[Key]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
