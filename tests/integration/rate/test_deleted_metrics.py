"""Records of a deleted metric are rated from the table that they were stored in."""

from datetime import UTC, datetime

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.usage.metric_keying import BY_WINDOW, KEYING, MetricKeying
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from local.rights import acting
from local.tables import Tables

pytestmark = pytest.mark.integration

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("is_by_window", [True, False])
def test_what_outlives_a_metric_says_how_its_records_are_keyed(
    dynamodb: DynamoDBClient, tables: Tables, is_by_window: bool
) -> None:
    if is_by_window:
        item = {**keys.metric_keying_key("gone"), KEYING: {"S": BY_WINDOW}}
        dynamodb.put_item(TableName=tables.catalog, Item=item)
    keying = MetricKeying(dynamodb, tables.catalog)
    with acting("rate"):
        records = list(
            UsageRecords(dynamodb, tables.usage, tables.window_usage, keying).between("42", "gone", START, END)
        )

    assert records == []
    assert keying.is_by_window("gone") is is_by_window
