"""Put ratings into the table for tests, as a rating run writes them."""

from datetime import datetime
from typing import Any

from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.billing.decisions import NewVersion
from fusion_billing.billing.rating import RatingKey, computed_rating
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.instants import rfc3339
from tests.rating_documents import document


def put_rating(client: DynamoDBClient, table: str, key: RatingKey, period_end: datetime, **changes: Any) -> None:
    """Store the first version of a rating, with `changes` in its document."""
    [error] = RatingsStore(client, table, line_partitions=8).save_many(
        [rating_save(key, period_end, **changes)], now=key.period_start
    )
    assert error is None


def rating_save(key: RatingKey, period_end: datetime, **changes: Any) -> Save:
    """Return the first version of a rating, to be saved."""
    starts_at = rfc3339(key.period_start)
    content = {"charge": key.charge, "period_start": starts_at, "period_end": rfc3339(period_end), **changes}
    return Save(NewVersion(computed_rating(key, document(**content)), 1, "none", frozenset()), None, 42)
