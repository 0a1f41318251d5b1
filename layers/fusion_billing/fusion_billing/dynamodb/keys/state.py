"""Keys of the state table."""

from fusion_billing.dynamodb.keys.primary import Key, primary

CIRCUIT_KEY = primary("CIRCUIT")
PLANNER_KEY = primary("PLANNER")
SYNC_KEY = primary("SYNC")


def amounts_key(month: str, shard: int) -> Key:
    """Return the key of the totals of the periods that end in a month (`2026-12`), of a shard of the list."""
    return primary(f"AMOUNTS#{month}#{shard:02d}")


def failing_pairs_key(hour: str) -> Key:
    """Return the key of the pairs that could not be rated in an hour (`2026-11-03T14`)."""
    return primary(f"FAILING#{hour}")


def marked_count_key(hour: str) -> Key:
    """Return the key of the number of pairs that changed in an hour (`2026-11-03T14`)."""
    return primary(f"CHANGED#{hour}")


def lease_key(name: str) -> Key:
    """Return the key of a lease."""
    return primary(f"LEASE#{name}")


def delivery_lease(endpoint_id: str) -> str:
    """Return the name of the lease on an endpoint's deliveries."""
    return f"delivery/{endpoint_id}"


def partition_lease(line_partition: int) -> str:
    """Return the name of the lease on the order lines of a partition."""
    return f"LANE#{line_partition:02d}"


def request_count_key(key_id: str, slot: int) -> Key:
    """Return the key of the counter of an API key's requests in a slot."""
    return primary(f"RATE#{key_id}#{slot}")


def key_use_key(key_id: str) -> Key:
    """Return the key of the item with the day on which an API key was last used."""
    return primary(f"USED#{key_id}")


def sign_in_key(digest: str) -> Key:
    """Return the key of the item that says that a sign-in has ended, by the SHA-256 of its state."""
    return primary(f"SIGNIN#{digest}")


def run_key(run: str) -> Key:
    """Return the key of a run on demand."""
    return primary(f"RUN#{run}")
