"""Change markers: which pairs had usage in an hour (docs/data-model.md, Markers).

A marker is written before the usage records that it stands for, so that no record is missed. It only says "rate this
pair again", so an extra marker does no harm, and a container that has written one skips its repeats.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.catalog.identifiers import MARKERS_LIVE
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import is_transient
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from fusion_billing.dynamodb.usage.items import StoredUsageRecord


_WRITES = 25
_REMEMBERED = 20_000


def marker_of(record: "UsageRecord | StoredUsageRecord") -> str:
    """Return what marks a record's pair: the marker's sort key, the month of the window's start included."""
    return keys.change_marker(record.pair, record.start[:7])


def partition_of(marker: str, hour: str, shards: int) -> str:
    """Return the partition that a marker of `hour` (`2026-11-03T14`) goes to."""
    subscription, _, _ = keys.parse_change_marker(marker)
    return keys.change_marker_partition(hour, keys.change_marker_shard(subscription, shards))


class ChangeMarkers:
    """The markers table, and this container's memory of what it marked in the present hour."""

    def __init__(self, client: "DynamoDBClient", table: str, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards
        self._hour = ""
        self._marked: set[str] = set()

    def mark(self, markers: Iterable[str], now: datetime, deadline: Deadline) -> set[str]:
        """Write the markers that this container did not write yet in the hour of `now`.

        Returns those that could not be written before the deadline: their records must not be stored.
        """
        hour = now.strftime("%Y-%m-%dT%H")
        if hour != self._hour or len(self._marked) > _REMEMBERED:
            self._hour = hour
            self._marked.clear()
        missing = set(markers) - self._marked
        if not missing:
            return missing
        ttl = str(int((now + MARKERS_LIVE).timestamp()))
        unwritten = sorted(missing)
        attempt = 0
        while unwritten:
            unwritten = self._write(unwritten, hour, ttl)
            if unwritten and not deadline.wait(attempt):
                break
            attempt += 1
        self._marked |= missing.difference(unwritten)
        return set(unwritten)

    def _write(self, markers: list[str], hour: str, ttl: str) -> list[str]:
        """Write each marker once; return those to be written again."""
        left: list[str] = []
        for chunk in _chunks(markers, _WRITES):
            items: list[Any] = [self._item(marker, hour, ttl) for marker in chunk]
            try:
                if len(items) == 1:
                    self._client.put_item(TableName=self._table, Item=items[0])
                    continue
                puts: list[Any] = [{"PutRequest": {"Item": item}} for item in items]
                response = self._client.batch_write_item(RequestItems={self._table: puts})
            except (ClientError, BotoCoreError) as error:
                if not is_transient(error):
                    raise
                left += chunk
                continue
            unprocessed: Any = response.get("UnprocessedItems", {}).get(self._table, [])
            left += [each["PutRequest"]["Item"]["sk"]["S"] for each in unprocessed]
        return left

    def _item(self, marker: str, hour: str, ttl: str) -> dict[str, Any]:
        return {
            **keys.primary(partition_of(marker, hour, self._shards), marker),
            "ttl": {"N": ttl},
        }


def _chunks(values: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
