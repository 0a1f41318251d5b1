"""The pairs that could not be rated in an hour (`FAILING#<hour>`): one write a message with failures.

A pair that fails is tried again each hour, so those of the latest hours are the ones that fail now.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fusion_billing.billing.attention import FailingPair
from fusion_billing.billing.planning import hour_text
from fusion_billing.dynamodb import batch_reads, errors, keys
from fusion_billing.dynamodb.attributes import from_string_set, string_set, time_to_live

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=2)
_LONGEST_REASON = 200


class FailingPairs:
    """Notes and reads the pairs that could not be rated, in the state table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def note(self, pairs: Collection[FailingPair], hour: datetime, *, is_capped: bool) -> None:
        """Note pairs that could not be rated in an hour; `is_capped` if there are more. Raises `Unavailable`."""
        names = [f"{pair.subscription}#{pair.metric}#{pair.reason[:_LONGEST_REASON]}" for pair in pairs]
        capped = ", capped = :true" if is_capped else ""
        values = {":pairs": from_string_set(names), ":ttl": time_to_live(hour, _KEPT)}
        with errors.unavailable_when_transient():
            self._client.update_item(
                TableName=self._table,
                Key=keys.failing_pairs_key(hour_text(hour)),
                UpdateExpression=f"SET #ttl = :ttl{capped} ADD pairs :pairs",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={**values, **({":true": {"BOOL": True}} if is_capped else {})},
            )

    def of(self, hours: Sequence[datetime]) -> tuple[list[FailingPair], bool]:
        """Return the pairs noted in any of a few hours, each once, by name; and whether there are more."""
        names = [keys.failing_pairs_key(hour_text(hour)) for hour in hours]
        with errors.unavailable_when_transient():
            items = list(batch_reads.items(self._client, self._table, names, is_consistent=False))
        noted = [FailingPair(*name.split("#", 2)) for item in items for name in string_set(item, "pairs")]
        by_pair = {(pair.subscription, pair.metric): pair for pair in noted}
        return [by_pair[name] for name in sorted(by_pair)], any("capped" in item for item in items)
