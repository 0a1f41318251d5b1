"""Keys of the audit table."""

from datetime import UTC, datetime
from zlib import crc32

from fusion_billing.dynamodb.keys.primary import Key, primary

AUDIT_SHARDS = 4


def audit_partitions(month: str, object_: str | None) -> list[str]:
    """Return the partitions of a month (`2026-11`) that may hold entries about an object (None: about any)."""
    shards = range(AUDIT_SHARDS) if object_ is None else (_shard(object_),)
    return [_partition(month, shard) for shard in shards]


def audit_month(at: datetime) -> str:
    """Return the month that an instant belongs to."""
    return at.astimezone(UTC).strftime("%Y-%m").zfill(7)


def audit_key(at: datetime, object_: str, entry_id: str) -> Key:
    """Return the key of an entry."""
    return primary(_partition(audit_month(at), _shard(object_)), entry_id)


def _partition(month: str, shard: int) -> str:
    return f"A#{month}#{shard}"


def _shard(object_: str) -> int:
    return crc32(object_.encode("utf-8", "surrogatepass")) % AUDIT_SHARDS
