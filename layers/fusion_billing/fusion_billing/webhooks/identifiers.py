"""Ids of events and endpoints, and the public id of a delivery.

An event's id sorts by its time: 48 bits of milliseconds, then 80 random ones, in Crockford's
base32 (a ULID), so that a subscriber's deliveries are listed and replayed by time without an index.
"""

from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEPARATOR = "~"
RANDOM_BYTES = 10


def event_id(now: datetime, random: bytes) -> str:
    """Return `msg_…` for an event of `now`; `random` is `RANDOM_BYTES` long."""
    return f"msg_{_time(now)}{_base32(int.from_bytes(random, 'big'), 16)}"


def is_event_id(text: str) -> bool:
    """Return whether `text` can be the id of an event."""
    return len(text) == len("msg_") + 26 and text.startswith("msg_") and set(text[4:]) <= set(_ALPHABET)


def first_event_id(since: datetime) -> str:
    """Return what sorts before the id of every event of `since` or later, and after every older one."""
    return f"msg_{_time(since)}"


def endpoint_id(random: bytes) -> str:
    """Return `ep_…`; `random` is `RANDOM_BYTES` long."""
    return f"ep_{_base32(int.from_bytes(random, 'big'), 16)}"


def delivery_id(endpoint: str, event: str) -> str:
    """Return the public id of the delivery of one event to one endpoint."""
    return f"{endpoint}{_SEPARATOR}{event}"


def split_delivery_id(delivery: str) -> tuple[str, str] | None:
    """Return the endpoint and the event that a delivery's public id names, or None if it is none."""
    endpoint, mark, event = delivery.partition(_SEPARATOR)
    if not mark or not endpoint.startswith("ep_") or not event.startswith("msg_"):
        return None
    return endpoint, event


def _time(instant: datetime) -> str:
    return _base32(max(0, (instant - _EPOCH) // timedelta(milliseconds=1)), 10)


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
