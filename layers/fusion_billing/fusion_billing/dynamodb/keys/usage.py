"""Keys of the usage table and of the window usage table."""

from fusion_billing.dynamodb.keys.primary import Key, primary

_USAGE = "U#"
_VOIDED = "V"


def pair(subscription: str, metric: str) -> str:
    """Return the partition of the index `pair` that lists the records of a subscription and metric."""
    return f"{subscription}#{metric}"


def voided_pair(pair_: str) -> str:
    """Return the partition of the index `pair` that lists the voided records of a pair.

    No pair has this name: a subscription ID contains no `#`.
    """
    return f"{_VOIDED}#{pair_}"


def parse_pair(text: str) -> tuple[str, str, bool]:
    """Return subscription, metric, and whether the partition of the index `pair` lists voided records."""
    *prefix, subscription, metric = text.split("#")
    return subscription, metric, bool(prefix)


def usage_record(source: str, key: str) -> str:
    """Return the partition key of a usage record. The idempotency key comes last, so it may contain anything."""
    return f"U#{source}#{key}"


def parse_usage_record(pk: str) -> tuple[str, str]:
    """Return the source and the idempotency key of a usage record's partition key."""
    source, _, key = pk[len(_USAGE) :].partition("#")
    return source, key


def is_usage_record(pk: str) -> bool:
    """Return whether a partition key is one of a usage record."""
    return pk.startswith(_USAGE)


def usage_record_id(pk: str) -> str:
    """Return what identifies a usage record among all sources' records."""
    return pk[len(_USAGE) :]


def window_record_key(subscription: str, metric: str, *, start: str, end: str, source: str, suffix: str) -> Key:
    """Return the primary key of a record that is keyed by its window; `start` and `end` as the sort key has them.

    A start sorts as instants do, and before every later one whatever follows it.
    """
    return primary(pair(subscription, metric), f"{start}#{end}#{source}{suffix}")


def parse_window_sort_key(sk: str) -> tuple[str, str, str, str]:
    """Return start, end, source and suffix of a record that is keyed by its window."""
    start, end, rest = sk.split("#", 2)
    source, separator, suffix = rest.partition("~")
    return start, end, source, separator + suffix
