"""Convert records keyed by their window to and from items of the window usage table (docs/data-model.md, Usage).

An item says nothing twice, since rating reads it again with each rating: the key has subscription, metric, window and
source, revision 1 is not written, and neither is a history of one revision, which the other attributes tell.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView, Request
from fusion_billing.dynamodb.keys import Key
from fusion_billing.dynamodb.usage.items import (
    HISTORY_CAP,
    HISTORY_KEPT,
    StoredUsageRecord,
    revision_entry,
    revision_of,
    void_entry,
)
from fusion_billing.dynamodb.usage.window_ends import stored_end
from fusion_billing.instants import parse_instant, rfc3339, sortable
from fusion_billing.metering.outcome import Stored
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.metering.window_keys import WindowKey, compact, expanded

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BEFORE_EVERY_START, _AFTER_EVERY_START = "0", ":"


def window_key(source: str, record: UsageRecord | StoredUsageRecord | WindowKey, suffix: str) -> Key:
    """Return the primary key of a source's record; `suffix` is the end of its idempotency key."""
    end = stored_end(record.start, record.end)
    return keys.window_record_key(
        record.subscription,
        record.metric,
        start=compact(record.start),
        end=compact(end) if end.endswith("Z") else end[1:],
        source=source,
        suffix=suffix,
    )


def new_attributes(record: UsageRecord, at: str) -> Item:
    """Return the attributes of a new record without its key."""
    item: Item = {"q": {"N": record.number}, "at": {"N": _microseconds(at)}}
    if record.sequence is not None:
        item["seq"] = {"N": str(record.sequence)}
    if record.member is not None:
        item["mem"] = {"S": record.member}
    if record.properties:
        item["prop"] = {"S": record.properties}
    if record.reason:
        item["why"] = {"S": record.reason}
    if record.actor:
        item["by"] = {"S": record.actor}
    return item


@lru_cache(maxsize=64)  # the records of a batch are received at one moment
def _microseconds(at: str) -> str:
    return str((parse_instant(at) - _EPOCH) // _MICROSECOND)


def revised(item: ItemView, record: UsageRecord, at: str) -> Item:
    """Return a stored item with a further revision. A push without a sequence leaves the stored sequence."""
    sequence = {"seq": item["seq"]} if "seq" in item else {}
    return {**sequence, **new_attributes(record, at), **_with_entry(item, revision_entry(record, at))}


def voided(item: ItemView, at: str, *, actor: str, reason: str) -> Item:
    """Return a stored item with a revision that does not count; the last quantity stays."""
    stays = {name: value for name, value in item.items() if name not in {"pk", "sk", "why", "by"}}
    moment = {"at": {"N": _microseconds(at)}, "voided": {"BOOL": True}}
    return {**stays, **moment, **_with_entry(item, void_entry(at, actor, reason))}


def with_sequence(item: ItemView, sequence: int) -> Item:
    """Return a stored item whose sequence is newer; its revisions stay as they were pushed."""
    stays = {name: value for name, value in item.items() if name not in {"pk", "sk"}}
    return {**stays, "seq": {"N": str(sequence)}, "hist": {"L": _history(item)}}


def _with_entry(item: ItemView, entry: Item) -> Item:
    history = _history(item)
    if len(history) >= HISTORY_CAP:
        history = history[-HISTORY_KEPT:]
    return {"rev": {"N": str(revision(item) + 1)}, "hist": {"L": [*history, entry]}}


def _history(item: ItemView) -> list[Item]:
    """Return the entries of an item's revisions; a first revision has none of its own."""
    if "hist" in item:
        return list(item["hist"]["L"])
    entry = {name: item[name] for name in ("q", "seq", "mem", "why", "by") if name in item}
    return [{"M": {**entry, "at": {"S": _received_at(item)}}}]


def revision(item: ItemView) -> int:
    """Return the number of an item's revision."""
    return int(item["rev"]["N"]) if "rev" in item else 1


def _received_at(item: ItemView) -> str:
    return rfc3339(_EPOCH + int(item["at"]["N"]) * _MICROSECOND) if "at" in item else ""


def stored_window_record(item: ItemView) -> Stored:
    """Return the attributes of a stored record that an outcome depends on."""
    place = _place(item)
    properties = item["prop"]["S"] if "prop" in item else ""
    return Stored(
        target=f"{place.subscription}#{place.metric}#{place.start}#{place.end}#{properties}",
        quantity=Decimal(item["q"]["N"]),
        sequence=int(item["seq"]["N"]) if "seq" in item else None,
        member=item["mem"]["S"] if "mem" in item else None,
        revision=revision(item),
        voided="voided" in item,
    )


def window_record_of(item: ItemView) -> StoredUsageRecord:
    """Return the record of an item, with its history."""
    place, entries = _place(item), _history(item)
    number = revision(item)
    first = number - len(entries) + 1
    return StoredUsageRecord(
        source=keys.parse_window_sort_key(item["sk"]["S"])[2],
        key=str(place),
        subscription=place.subscription,
        metric=place.metric,
        start=place.start,
        end=place.end,
        quantity=Decimal(item["q"]["N"]),
        revision=number,
        member=item["mem"]["S"] if "mem" in item else None,
        properties=item["prop"]["S"] if "prop" in item else "",
        sequence=int(item["seq"]["N"]) if "seq" in item else None,
        at=_received_at(item),
        history=tuple(revision_of(first + index, entry["M"]) for index, entry in enumerate(entries)),
        voided="voided" in item,
        window_suffix=place.suffix,
    )


def _place(item: ItemView) -> WindowKey:
    """Return where an item is, as its idempotency key says it."""
    subscription, metric, _ = keys.parse_pair(item["pk"]["S"])
    start_text, end_text, _, suffix = keys.parse_window_sort_key(item["sk"]["S"])
    start, end, _ = window_of(start_text, end_text)
    return WindowKey(subscription, metric, sortable(start), sortable(end), suffix)


@lru_cache(maxsize=8192)  # the windows of a period, the same for every pair
def window_of(start: str, end: str) -> tuple[datetime, datetime, str]:
    """Return the window of a sort key, and the text of it in an idempotency key."""
    begins = datetime.fromisoformat(expanded(start))
    ends = datetime.fromisoformat(expanded(end)) if "T" in end else begins + timedelta(seconds=int(end))
    return begins, ends, f"{start}Z~{compact(sortable(ends))}Z"


def window_query(table: str, pair: str, start: datetime | None, end: datetime | None) -> Request:
    """Return the query of a pair's records, voided ones too, whose windows start in `[start, end)`; None: no bound."""
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :pair AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":pair": {"S": pair},
            ":first": {"S": start_bound(start)},
            # No sort key equals a start alone; what starts with the bound sorts after it.
            ":last": {"S": compact(sortable(end)) if end else _AFTER_EVERY_START},
        },
    }


def start_bound(start: datetime | None) -> str:
    """Return the text before the sort keys of windows that start at or after `start`; None: of all."""
    return compact(sortable(start)) if start else _BEFORE_EVERY_START
