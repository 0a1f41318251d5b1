"""Keys of the catalog table."""

from datetime import datetime
from typing import Literal
from zlib import crc32

from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.dynamodb.keys.primary import Key, primary
from fusion_billing.instants import sortable

DefinitionKind = Literal["METRIC", "CHARGE"]
HistoryKind = Literal["METRIC", "CHARGE", "SUBSCRIPTION"]

METRIC: DefinitionKind = "METRIC"
CHARGE: DefinitionKind = "CHARGE"
SOURCE = "SOURCE"
SUBSCRIPTION_SORT_KEY = "SUB"
_SUBSCRIPTION = "S#"


def definition_key(kind: DefinitionKind, code: str) -> Key:
    """Return the key of a metric or a charge."""
    return primary(kind, code)


def metric_keying_key(code: str) -> Key:
    """Return the key of the item that says how a metric's records are keyed; it outlives the metric."""
    return primary("KEYING", code)


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
    """Return the position of a subscription in the index `listing`, whether the index has it or not."""
    return {
        **subscription_key(subscription),
        "list_pk": {"S": list_partition(shard)},
        "list_sk": {"S": subscription},
    }
