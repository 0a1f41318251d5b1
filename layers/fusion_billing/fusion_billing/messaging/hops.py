"""Count how many messages lead to one another, so that a runaway ends.

A message that goes on where another one's time ended is a loop that is ours: an hour of rating, a sweep, a read of all
subscriptions. Lambda ends such loops after 16 messages unless the function allows them (`RecursiveLoop: Allow` in
template.yaml), and then nothing but this count ends one that was not meant. It travels as a message attribute.
"""

from collections.abc import Iterable

from fusion_billing.json_types import JsonMapping, JsonObject

MAX_HOPS = 1000
"""The most messages in a chain. The longest known is one shard of an hour with ten million changed pairs: 71."""

_ATTRIBUTE = "hops"


class ChainTooLong(RuntimeError):
    """A message is the last of a chain of more than `MAX_HOPS`: it is not done, and ends among the dead letters."""


class Hops:
    """The position in its chain of the message that is being done; a container does one invocation at a time."""

    def __init__(self) -> None:
        self._current = 0

    def receive(self, records: Iterable[JsonMapping]) -> None:
        """Set the position to the furthest of these SQS records; without a record, a chain begins."""
        self._current = max(map(of, records), default=0)

    def attributes(self) -> JsonObject:
        """Return the SQS message attributes of the next message."""
        return {_ATTRIBUTE: {"DataType": "Number", "StringValue": str(self._current + 1)}} if self._current else {}


HOPS = Hops()
"""The one position of this container, which its handler sets and its queues read."""


def of(record: JsonMapping) -> int:
    """Return the position of an SQS record in its chain, from 1; a message without a count begins one."""
    value = record.get("messageAttributes", {}).get(_ATTRIBUTE, {}).get("stringValue", "")
    return int(value) if value.isdecimal() else 1


def is_too_long(record: JsonMapping) -> bool:
    """Return whether an SQS record goes beyond the longest chain."""
    return of(record) > MAX_HOPS


def require_short_chain(record: JsonMapping) -> None:
    """Raise `ChainTooLong` if an SQS record goes beyond the longest chain."""
    if is_too_long(record):
        raise ChainTooLong(f"more than {MAX_HOPS} messages led to one another")
