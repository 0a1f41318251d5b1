"""Records keyed by window, for tests that hold for both kinds of records."""

from dataclasses import replace
from typing import Any, Literal

from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.usage.metric_keying import BY_WINDOW, KEYING
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.metering.window_keys import WindowKey

Keyed = Literal["key", "window"]


def keyed_by_window(record: UsageRecord) -> UsageRecord:
    """Return a record under the derived key whose writer is named like the key it has."""
    suffix = f"~{record.key}"
    return replace(
        record,
        key=str(WindowKey(record.subscription, record.metric, record.start, record.end, suffix)),
        window_suffix=suffix,
    )


def name_of(key: str) -> str:
    """Return the name that a record had before `keyed_by_window`; any other key is itself."""
    return key.rpartition("~")[2]


def note_by_window(client: DynamoDBClient, catalog_table: str, *metrics: str) -> None:
    """Note that the records of metrics are keyed by window; the metrics need not exist."""
    for metric in metrics:
        item: Any = {**keys.metric_keying_key(metric), KEYING: {"S": BY_WINDOW}}
        client.put_item(TableName=catalog_table, Item=item)
