"""Prepare usage records for a push: keys, encoding and batches."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fusion_billing_client.encoding import encode

MOST_RECORDS: Final = 500
MOST_BYTES: Final = 3_500_000


def prepared(record: Mapping[str, Any], *, by_window: bool = False) -> dict[str, Any]:
    """Return a record as JSON, with an idempotency key unless the service derives it from the window."""
    made: dict[str, Any] = encode(dict(record))
    if "idempotency_key" not in made and not by_window:
        made["idempotency_key"] = uuid.uuid4().hex
    return made


def order_key(record: Mapping[str, Any]) -> str:
    """Return what the records that have to keep their order have in common: the key, or the metric without one."""
    return str(record.get("idempotency_key", record.get("metric")))


def not_sent(record: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return the result of a record that waits for an earlier one of its key, as the service returns it in a batch."""
    detail = "An earlier record of the same key or metric was not stored. Send both again"
    error = {"code": "unavailable", "detail": detail, "errors": []}
    key = record.get("idempotency_key")
    return {"index": index, "idempotency_key": key, "outcome": "unavailable", "revision": None, "error": error}


def batches(indexes: Iterable[int], records: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    """Yield the indexes of records in batches that one request holds."""
    batch: list[int] = []
    size = 0
    for index in indexes:
        bytes_ = len(json.dumps(records[index])) + 1
        if batch and (len(batch) == MOST_RECORDS or size + bytes_ > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += bytes_
    if batch:
        yield batch
