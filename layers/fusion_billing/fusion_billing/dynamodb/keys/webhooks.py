"""Keys of the webhooks table."""

from fusion_billing.dynamodb.keys.primary import Key, primary

ENDPOINT_PARTITION = "ENDPOINT"
FANOUT_PARTITION = "fanout"
"""The partition of the index `due` for events whose deliveries are not written yet."""

_EVENT = "E#"
_ENDPOINT_DELIVERIES = "W#"


def endpoint_key(endpoint_id: str) -> Key:
    """Return the key of an endpoint."""
    return primary(ENDPOINT_PARTITION, endpoint_id)


def event_key(event_id: str) -> Key:
    """Return the key of an event."""
    return primary(f"{_EVENT}{event_id}", "EVENT")


def parse_event(pk: str) -> str:
    """Return the ID of an event's partition key."""
    return pk.removeprefix(_EVENT)


def event_sequence_key(subscription: str) -> Key:
    """Return the key of the counter of a subscription's events."""
    return primary(f"Q#{subscription}", "SEQ")


def deliveries_partition(endpoint_id: str) -> str:
    """Return the partition of an endpoint's deliveries."""
    return f"{_ENDPOINT_DELIVERIES}{endpoint_id}"


def delivery_key(endpoint_id: str, event_id: str) -> Key:
    """Return the key of a delivery."""
    return primary(deliveries_partition(endpoint_id), event_id)


def parse_deliveries_partition(pk: str) -> str:
    """Return the endpoint of a delivery's partition key."""
    return pk.removeprefix(_ENDPOINT_DELIVERIES)


def due_deliveries_partition(endpoint_id: str) -> str:
    """Return the partition of the index `due` for an endpoint's due deliveries."""
    return endpoint_id


def failed_deliveries_partition(endpoint_id: str) -> str:
    """Return the partition of the index `due` for an endpoint's failed deliveries."""
    return f"parked#{endpoint_id}"
