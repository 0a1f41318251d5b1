"""Runs on demand (`RUN#<id>`): which of their parts are still to come, and what the others did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import errors, keys
from fusion_billing.instants import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COUNTS = ("pairs", "written", "failed")
KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Run:
    """A run: the parts still to come (none: it is done), when it began, and its counts by name."""

    id: str
    parts: frozenset[str]
    began: str
    counts: Mapping[str, int]

    @property
    def done(self) -> bool:
        """Tell whether every part is finished."""
        return not self.parts


class RunStore:
    """Runs in the state table; each is forgotten after a week."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def begin(self, run: str, parts: Iterable[str], now: datetime) -> None:
        """Note a run and its parts, before the first message of it is sent."""
        item: dict[str, Any] = {
            **keys.run_key(run),
            "began": {"S": rfc3339(now)},
            "ttl": {"N": str(int((now + KEPT).timestamp()))},
            **{name: {"N": "0"} for name in COUNTS},
        }
        named = sorted(set(parts))
        if named:
            item["parts"] = {"SS": named}
        self._client.put_item(TableName=self._table, Item=item)

    def count(self, run: str, part: str, counts: Mapping[str, int], *, finished: bool) -> None:
        """Add what a message of `part` did; a `finished` part is no more to come.

        A message that comes again after its part was finished adds nothing, nor does one of a run
        that is forgotten.
        """
        is_still_to_come = "contains(parts, :part)"
        values: dict[str, Any] = {f":{name}": {"N": str(counts.get(name, 0))} for name in COUNTS}
        values[":part"] = {"S": part}
        expression = "ADD " + ", ".join(f"{name} :{name}" for name in COUNTS)
        if finished:
            values[":parts"] = {"SS": [part]}
            expression += " DELETE parts :parts"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=keys.run_key(run),
                UpdateExpression=expression,
                ConditionExpression=is_still_to_come,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if not errors.condition_failed(error):
                raise

    def get(self, run: str) -> Run | None:
        """Return a run as it is now, or None where there is none (any more)."""
        answer = self._client.get_item(TableName=self._table, Key=keys.run_key(run), ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        parts = frozenset(item["parts"]["SS"]) if "parts" in item else frozenset()
        counts = {name: int(item[name]["N"]) for name in COUNTS}
        return Run(run, parts, item["began"]["S"], counts)
