"""Every key of every table, written once (docs/data-model.md). Nothing else spells a key out.

A function named `..._key` returns the primary key of an item; one named `..._partition` returns the partition key
of a table or of an index.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

from fusion_billing.instants import rfc3339, sortable

if TYPE_CHECKING:
    from fusion_billing.billing.rating import RatingKey

Key = dict[str, Any]

DefinitionKind = Literal["METRIC", "CHARGE"]
HistoryKind = Literal["METRIC", "CHARGE", "SUBSCRIPTION"]

METRIC: DefinitionKind = "METRIC"
CHARGE: DefinitionKind = "CHARGE"
SOURCE = "SOURCE"
SUBSCRIPTION_SORT_KEY = "SUB"
LIST_SHARDS = 16
"""Partitions of the index `listing`, which lists subscriptions."""

ENDPOINT_PARTITION = "ENDPOINT"
FANOUT_PARTITION = "fanout"
"""The partition of the index `due` for events whose deliveries are not written yet."""

FAILED_LINES_PARTITION = "parked"
CHANGED_LINES_PARTITION = "changed"
FINAL_INVOICE_PARTITION = "final_invoice"

_USAGE = "U#"
_VOIDED = "V"
_SUBSCRIPTION = "S#"
_EVENT = "E#"
_ENDPOINT_DELIVERIES = "W#"


def primary(pk: str, sk: str | None = None) -> Key:
    """Return a primary key; tables without a sort key take the partition key alone."""
    return {"pk": {"S": pk}} if sk is None else {"pk": {"S": pk}, "sk": {"S": sk}}


# Usage


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


# Change markers


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


# Catalogue


def definition_key(kind: DefinitionKind, code: str) -> Key:
    """Return the key of a metric or a charge."""
    return primary(kind, code)


def source_key(source: str) -> Key:
    """Return the key of a source."""
    return primary(SOURCE, source)


def api_key_key(key_id: str) -> Key:
    """Return the key of an API key's item."""
    return primary(f"KEY#{key_id}", "KEY")


def history_partition(kind: HistoryKind, name: str) -> str:
    """Return the partition of a definition's history."""
    return f"HISTORY#{kind}#{name}"


def history_key(kind: HistoryKind, name: str, at: datetime, version: int) -> Key:
    """Return the key of a history entry; entries sort by time."""
    return primary(history_partition(kind, name), f"{sortable(at)}#{version:010d}")


def subscription_partition(subscription: str) -> str:
    """Return the partition of a subscription: its own item, and its periods. An alias has one as well."""
    return f"{_SUBSCRIPTION}{subscription}"


def parse_subscription_partition(pk: str) -> str:
    """Return the ID or alias that a subscription's partition is named by."""
    return pk.removeprefix(_SUBSCRIPTION)


def subscription_key(subscription: str) -> Key:
    """Return the key of a subscription's own item, or of an alias."""
    return primary(subscription_partition(subscription), SUBSCRIPTION_SORT_KEY)


def period_key(subscription: str, start: datetime) -> Key:
    """Return the key of one of a subscription's billing periods."""
    return primary(subscription_partition(subscription), f"P#{sortable(start)}")


def order_key(odoo_order_id: int) -> Key:
    """Return the key of the item that keeps an order with one subscription."""
    return primary(f"ORDER#{odoo_order_id}", "ORDER")


def list_shard(subscription: str) -> int:
    """Return the shard of the list that holds a subscription."""
    return crc32(subscription.encode()) % LIST_SHARDS


def list_partition(shard: int) -> str:
    """Return the partition of the index `listing` for a shard."""
    return f"SUBS#{shard:02d}"


def list_position(shard: int, subscription: str) -> Key:
    """Return the position of a subscription in the index `listing`, whether it is there or not."""
    return {
        **subscription_key(subscription),
        "list_pk": {"S": list_partition(shard)},
        "list_sk": {"S": subscription},
    }


# Ratings


def rating_partition(subscription: str, period_start: datetime) -> str:
    """Return the partition of what is billed in a period of a subscription."""
    return f"R#{subscription}#{rfc3339(period_start)}"


def rating_key(key: "RatingKey") -> Key:
    """Return the key of a rating."""
    return primary(rating_partition(key.subscription, key.period_start), key.name)


def parse_rating_key(pk: str, sk: str) -> tuple[str, str, str, str]:
    """Return the subscription, the period's start, the charge, and the start of the period that is corrected.

    Both starts are RFC 3339; the last one is empty unless the rating is an adjustment.
    """
    _, subscription, start = pk.split("#")
    charge, _, corrects = sk.partition("@")
    return subscription, start, charge, corrects


def rating_parts_partition(key: "RatingKey") -> str:
    """Return the partition of the large fields of a rating."""
    return f"PARTS#{key.subscription}#{rfc3339(key.period_start)}#{key.name}"


def rating_parts_prefix(name: str) -> str:
    """Return the prefix that the sort keys of one version's large fields have."""
    return f"{name}#"


def rating_part_key(key: "RatingKey", name: str, number: int) -> Key:
    """Return the key of one large field of a rating."""
    return primary(rating_parts_partition(key), f"{rating_parts_prefix(name)}{number:04d}")


def statement_partition(subscription: str) -> str:
    """Return the partition of a subscription's statements."""
    return f"T#{subscription}"


def statement_key(subscription: str, period_start: datetime) -> Key:
    """Return the key of a period's statement."""
    return primary(statement_partition(subscription), sortable(period_start))


def closed_period_partition(subscription: str) -> str:
    """Return the partition of a subscription's closed periods."""
    return f"CLOSED#{subscription}"


def closed_period_key(subscription: str, start: datetime) -> Key:
    """Return the key of a closed period."""
    return primary(closed_period_partition(subscription), sortable(start))


def announced_end_key(subscription: str) -> Key:
    """Return the key of the item that notes that a subscription's end was announced."""
    return primary(f"ENDED#{subscription}", "ENDED")


def due_lines_partition(line_partition: int) -> str:
    """Return the partition of the index `lines` for the due lines of a line partition."""
    return f"due#{line_partition:02d}"


def invoices_partition(line_partition: int) -> str:
    """Return the partition of the index `lines` for lines whose invoices are to be read."""
    return f"invoices#{line_partition:02d}"


def invoices_partition_of_due(due_partition: str) -> str:
    """Return the partition for lines whose invoices are to be read, next to that of the same due lines."""
    return f"invoices#{due_partition[-2:]}"


def line_partition_of(index_partition: str) -> int | None:
    """Return the line partition that a partition of the index `lines` belongs to; None if it is a list of a state."""
    kind, _, number = index_partition.partition("#")
    return int(number) if kind in {"due", "invoices"} and number.isdecimal() else None


# Webhooks


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


# State


CIRCUIT_KEY = primary("CIRCUIT")
PLANNER_KEY = primary("PLANNER")
SYNC_KEY = primary("SYNC")


def lease_key(name: str) -> Key:
    """Return the key of a lease."""
    return primary(f"LEASE#{name}")


def delivery_lease(endpoint_id: str) -> str:
    """Return the name of the lease on an endpoint's deliveries."""
    return f"delivery/{endpoint_id}"


def partition_lease(line_partition: int) -> str:
    """Return the name of the lease on the order lines of a partition."""
    return f"LANE#{line_partition:02d}"


def run_key(run: str) -> Key:
    """Return the key of a run on demand."""
    return primary(f"RUN#{run}")
