"""Keys of the usage table."""

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
