"""Keys of change markers."""

from zlib import crc32


def change_marker(pair_: str, month: str) -> str:
    """Return the sort key of a change marker; `month` (`2026-11`) is the one that the windows start in."""
    return f"{pair_}#{month}"


def parse_change_marker(sk: str) -> tuple[str, str, str]:
    """Return the subscription, the metric and the month of a change marker's sort key."""
    subscription, metric, month = sk.split("#")
    return subscription, metric, month


def change_marker_shard(subscription: str, shards: int) -> int:
    """Return the shard of a subscription's markers: all are in one, so that one worker rates the subscription."""
    return crc32(subscription.encode()) % shards


def change_marker_partition(hour: str, shard: int) -> str:
    """Return the partition of the markers of an hour (`2026-11-03T14`) and a shard."""
    return f"D#{hour}#{shard:02d}"
