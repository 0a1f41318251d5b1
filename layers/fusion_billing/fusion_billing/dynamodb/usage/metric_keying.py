"""Find out which metrics have records keyed by their window, and so which table the records are in.

A metric's `idempotency` never changes, not even if the metric is deleted and created again: an item that outlives it
says how its records are keyed. What was read once is remembered for good.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.attributes import ItemView
from fusion_billing.dynamodb.errors import unavailable_when_transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from fusion_billing.catalog.metric import Metric

KEYING = "keyed_by"
"""The attribute of a metric whose records are keyed by window, and of the item that outlives it."""

BY_WINDOW = "window"
"""Its value."""


class MetricKeying:
    """Reads the catalog table once for each metric."""

    def __init__(self, client: "DynamoDBClient", catalog_table: str) -> None:
        self._client = client
        self._table = catalog_table
        self._remembered: dict[str, bool] = {}

    def remember(self, metrics: "Iterable[Metric]") -> None:
        """Remember metrics that were just read, so that none is read again here."""
        for metric in metrics:
            self._remembered[metric.code] = metric.by_window

    def is_by_window(self, metric: str) -> bool:
        """Return whether the records of a metric, which may be deleted, are keyed by window; raises `Unavailable`."""
        known = self._remembered.get(metric)
        if known is not None:
            return known
        definition, keying = keys.definition_key(keys.METRIC, metric), keys.metric_keying_key(metric)
        with unavailable_when_transient():
            found = {
                item["pk"]["S"]: item for item in batch_reads.items(self._client, self._table, [definition, keying])
            }
        # The two are not read at one moment, so the metric alone decides where it exists.
        item = found.get(definition["pk"]["S"]) or found.get(keying["pk"]["S"])
        if item is None:
            return False  # not remembered: a metric that never existed may be created either way
        self._remembered[metric] = is_by_window(item)
        return self._remembered[metric]


def is_by_window(item: ItemView) -> bool:
    """Return whether the records of a metric are keyed by window; the item may be the one that outlives it."""
    return KEYING in item and bool(item[KEYING]["S"] == BY_WINDOW)
