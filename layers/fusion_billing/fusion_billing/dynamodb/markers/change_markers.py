"""Change markers: which pairs had usage in an hour (docs/data-model.md, Markers).

A marker is written before the usage records that it stands for, so that no record is missed. It only says "rate this
pair again", so an extra marker does no harm, and a container that has marked a pair skips its repeats.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.catalog.identifiers import LATE_AFTER, MARKERS_LIVE
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, time_to_live
from fusion_billing.dynamodb.errors import is_transient
from fusion_billing.dynamodb.markers.batch_items import digest, packed
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from fusion_billing.dynamodb.usage.items import StoredUsageRecord


_REMEMBERED = 20_000


def late_before(now: datetime) -> str:
    """Return the instant, sortable: records whose windows end before it are late at `now`."""
    return sortable(now - LATE_AFTER)


def marker_of(record: "UsageRecord | StoredUsageRecord", late: str) -> str:
    """Return the marker of a record's pair: the pair, the month of the window's start, and whether it is late.

    `late` is `late_before` the present instant.
    """
    return keys.change_marker(record.pair, record.start[:7], is_urgent=record.end < late)


def partition_of(marker: str, hour: str, shards: int) -> str:
    """Return the partition that a marker of `hour` (`2026-11-03T14`) goes to."""
    subscription, _, _, _ = keys.parse_change_marker(marker)
    return keys.change_marker_partition(hour, keys.change_marker_shard(subscription, shards))


def marker_item(markers: Iterable[str], hour: str, shards: int) -> Item:
    """Return the item that marks pairs in an hour: one pair by its name, or many in one item.

    If all pairs are of one shard, its worker alone reads the item, otherwise each worker does.
    """
    names = sorted(markers)
    partitions = {partition_of(name, hour, shards) for name in names}
    if len(names) == 1:
        return keys.primary(partitions.pop(), names[0])
    data = packed(names)
    name = digest(data)
    if len(partitions) > 1:
        shared = keys.batch_partitions(hour, shards)
        partitions = {shared[int(name[:8], 16) % len(shared)]}
    return {**keys.primary(partitions.pop(), keys.batch_marker(name)), "pairs": {"B": data}}


class ChangeMarkers:
    """Writes change markers; remembers those that this container wrote in the present hour."""

    def __init__(self, client: "DynamoDBClient", table: str, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards
        self._hour = ""
        self._marked: set[str] = set()

    def mark(self, markers: Iterable[str], now: datetime, deadline: Deadline) -> set[str]:
        """Write the markers that this container has not written in the hour of `now`, all in one item.

        Returns the markers that could not be written before the deadline. Do not store their records.
        """
        hour = now.strftime("%Y-%m-%dT%H")
        if hour != self._hour or len(self._marked) > _REMEMBERED:
            self._hour = hour
            self._marked.clear()
        missing = set(markers) - self._marked
        if not missing:
            return missing
        item = marker_item(missing, hour, self._shards)
        item["ttl"] = time_to_live(now, MARKERS_LIVE)
        attempt = 0
        while not self._written(item):
            if not deadline.wait(attempt):
                return missing
            attempt += 1
        self._marked |= missing
        return set()

    def _written(self, item: Item) -> bool:
        """Write an item; return False if it has to be written again."""
        try:
            self._client.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return False
        return True
