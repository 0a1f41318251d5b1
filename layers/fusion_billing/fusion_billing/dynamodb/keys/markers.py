"""Keys of change markers."""

from zlib import crc32

URGENT = "!"
"""Before the subscription of a marker whose pair is rated hourly, whatever the rating cadence."""

BATCH = "~"
"""Before the digest of a marker that carries many pairs. It sorts after every subscription."""

_SHARDS_OF_A_BATCH_PARTITION = 4


def change_marker(pair_: str, month: str, *, is_urgent: bool = False) -> str:
    """Return the sort key of a change marker; `month` (`2026-11`) is the one that the windows start in."""
    return f"{URGENT if is_urgent else ''}{pair_}#{month}"


def parse_change_marker(sk: str) -> tuple[str, str, str, bool]:
    """Return the subscription, the metric and the month of a change marker's sort key, and whether it is urgent."""
    subscription, metric, month = sk.removeprefix(URGENT).split("#")
    return subscription, metric, month, sk.startswith(URGENT)


def batch_marker(digest: str) -> str:
    """Return the sort key of a marker that carries the pairs of a batch, which `digest` stands for."""
    return f"{BATCH}{digest}"


def change_marker_shard(subscription: str, shards: int) -> int:
    """Return the shard of a subscription's pairs: all are in one, so that one worker rates the subscription."""
    return crc32(subscription.encode()) % shards


def change_marker_partition(hour: str, shard: int) -> str:
    """Return the partition of the markers of an hour (`2026-11-03T14`) and a shard."""
    return f"D#{hour}#{shard:02d}"


def batch_partitions(hour: str, shards: int) -> list[str]:
    """Return the partitions of an hour's markers whose pairs are of several shards: one for each four shards."""
    return [f"D#{hour}#*{number:02d}" for number in range(max(1, shards // _SHARDS_OF_A_BATCH_PARTITION))]


def hourly_pairs_partition(shard: int) -> str:
    """Return the partition of a shard's pairs that are rated hourly, whatever the rating cadence."""
    return f"H#{shard:02d}"
