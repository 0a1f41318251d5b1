"""Runs on demand (`RUN#<id>`): the tasks that remain, and what the finished ones did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import errors, keys
from fusion_billing.dynamodb.attributes import time_to_live
from fusion_billing.instants import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ATTRIBUTES = {"evaluated": "pairs", "changed": "written", "failed": "failed"}
"""The attribute that each count is stored in."""

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Run:
    """A run: the names of its tasks that are not finished, when it started, and its counts by name."""

    id: str
    remaining_tasks: frozenset[str]
    started_at: str
    counts: Mapping[str, int]

    @property
    def done(self) -> bool:
        """Return whether every task is finished."""
        return not self.remaining_tasks


class RunStore:
    """Runs in the state table; each is forgotten after a week."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def begin(self, run: str, parts: Iterable[str], now: datetime) -> None:
        """Store a run and the names of its tasks, before its first message is sent."""
        item: dict[str, Any] = {
            **keys.run_key(run),
            "began": {"S": rfc3339(now)},
            "ttl": time_to_live(now, KEPT),
            **{attribute: {"N": "0"} for attribute in _ATTRIBUTES.values()},
        }
        named = sorted(set(parts))
        if named:
            item["parts"] = {"SS": named}
        self._client.put_item(TableName=self._table, Item=item)

    def count(self, run: str, part: str, counts: Mapping[str, int], *, finished: bool) -> None:
        """Add the counts of a message that did a task, and remove the task if it is `finished`.

        A message that is delivered again after its task was finished adds nothing, nor does a message of a run
        that has expired.
        """
        remains = "contains(parts, :part)"
        values: dict[str, Any] = {
            f":{attribute}": {"N": str(counts.get(name, 0))} for name, attribute in _ATTRIBUTES.items()
        }
        values[":part"] = {"S": part}
        expression = "ADD " + ", ".join(f"{attribute} :{attribute}" for attribute in _ATTRIBUTES.values())
        if finished:
            values[":parts"] = {"SS": [part]}
            expression += " DELETE parts :parts"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=keys.run_key(run),
                UpdateExpression=expression,
                ConditionExpression=remains,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if not errors.condition_failed(error):
                raise

    def get(self, run: str) -> Run | None:
        """Return a run as it is now; None if it does not exist or has expired."""
        response = self._client.get_item(TableName=self._table, Key=keys.run_key(run), ConsistentRead=True)
        item = response.get("Item")
        if item is None:
            return None
        parts = frozenset(item["parts"]["SS"]) if "parts" in item else frozenset()
        counts = {name: int(item[attribute]["N"]) for name, attribute in _ATTRIBUTES.items()}
        return Run(run, parts, item["began"]["S"], counts)
