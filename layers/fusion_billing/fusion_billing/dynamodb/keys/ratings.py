"""Keys of the ratings table, and of the index `lines` over the order lines in it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zlib import crc32

from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.dynamodb.keys.catalog import list_shard
from fusion_billing.dynamodb.keys.primary import Key, primary
from fusion_billing.instants import rfc3339, sortable

if TYPE_CHECKING:
    from fusion_billing.billing.rating import RatingKey

FAILED_LINES_PARTITION = "parked"
CHANGED_LINES_PARTITION = "changed"
FINAL_INVOICE_PARTITION = "final_invoice"
PERIOD_LINES = "LINES"
"""The sort key of the item that holds the order lines of a period; no charge has capital letters."""


def line_partition(odoo_order_id: int, line_partitions: int) -> int:
    """Return the line partition of an order: the same for all its lines in all billing periods."""
    return crc32(str(odoo_order_id).encode("ascii")) % line_partitions


def rating_partition(subscription: str, period_start: datetime) -> str:
    """Return the partition of what is billed in a period of a subscription."""
    return f"R#{subscription}#{rfc3339(period_start)}"


def rating_key(key: "RatingKey") -> Key:
    """Return the key of a rating."""
    return primary(rating_partition(key.subscription, key.period_start), key.name)


def parse_rating_key(pk: str, sk: str) -> tuple[str, str, str, str]:
    """Return the subscription, the period's start, the charge, and the start of the period that is corrected.

    Both starts are RFC 3339; the last one is empty unless the rating is an adjustment.
    """
    _, subscription, start = pk.split("#")
    charge, _, corrects = sk.partition("@")
    return subscription, start, charge, corrects


def period_end_partitions(start: datetime, end: datetime) -> list[str]:
    """Return the partitions of the index `ends` that hold the ratings of periods that end from `start` to `end`."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    names = [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in months]
    return [month_end_partition(name, shard) for name in names for shard in range(LIST_SHARDS)]


def period_end_partition(subscription: str, period_end: datetime) -> str:
    """Return the partition of the index `ends` that holds the ratings of a subscription's period."""
    at = period_end.astimezone(UTC)
    return month_end_partition(f"{at.year:04d}-{at.month:02d}", list_shard(subscription))


def period_end_position(subscription: str, period_end: datetime) -> str:
    """Return where in its partition of the index `ends` a rating is: by the period's end, then the subscription."""
    return f"{period_end_bound(period_end)}#{subscription}"


def period_end_bound(instant: datetime) -> str:
    """Return what the positions of periods that end in this second begin with."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def month_end_partition(month: str, shard: int) -> str:
    """Return the partition of the index `ends` for the periods that end in a month (`2026-12`), of a shard."""
    return f"{month}#{shard:02d}"


def rating_parts_partition(key: "RatingKey") -> str:
    """Return the partition of the large fields of a rating."""
    return f"PARTS#{key.subscription}#{rfc3339(key.period_start)}#{key.name}"


def rating_parts_prefix(name: str) -> str:
    """Return the prefix that the sort keys of one version's large fields have."""
    return f"{name}#"


def rating_part_key(key: "RatingKey", name: str, number: int) -> Key:
    """Return the key of one large field of a rating."""
    return primary(rating_parts_partition(key), f"{rating_parts_prefix(name)}{number:04d}")


def statement_partition(subscription: str) -> str:
    """Return the partition of a subscription's statements."""
    return f"T#{subscription}"


def statement_key(subscription: str, period_start: datetime) -> Key:
    """Return the key of a period's statement."""
    return primary(statement_partition(subscription), sortable(period_start))


def closed_period_partition(subscription: str) -> str:
    """Return the partition of a subscription's closed periods."""
    return f"CLOSED#{subscription}"


def closed_period_key(subscription: str, start: datetime) -> Key:
    """Return the key of a closed period."""
    return primary(closed_period_partition(subscription), sortable(start))


def announced_end_key(subscription: str) -> Key:
    """Return the key of the item that notes that a subscription's end was announced."""
    return primary(f"ENDED#{subscription}", "ENDED")


def due_lines_partition(number: int) -> str:
    """Return the partition of the index `lines` for the due lines of a line partition."""
    return f"due#{number:02d}"


def invoices_partition(number: int) -> str:
    """Return the partition of the index `lines` for lines whose invoices are to be read."""
    return f"invoices#{number:02d}"


def invoices_partition_of_due(due_partition: str) -> str:
    """Return the partition for lines whose invoices are to be read, next to that of the same due lines."""
    return f"invoices#{due_partition[-2:]}"


def line_partition_of(index_partition: str) -> int | None:
    """Return the line partition that a partition of the index `lines` belongs to; None if it is a list of a state."""
    kind, _, number = index_partition.partition("#")
    return int(number) if kind in {"due", "invoices"} and number.isdecimal() else None
