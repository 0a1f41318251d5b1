"""The circuit breaker of calls to Odoo: open, it blocks all calls; half-open, it allows one probe; a success closes it.

The item `CIRCUIT` exists only while the circuit is open: `failures` (number), `until` (no call before it) and `probe`
(no second probe before it), both sortable instants.
"""

from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import time_to_live
from fusion_billing.dynamodb.errors import condition_failed
from fusion_billing.instants import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(minutes=10)
PROBE = timedelta(seconds=60)

_KEY = keys.CIRCUIT_KEY
_PAUSE_IS_OVER = "#until <= :now"
_HAS_NO_PROBE = "(attribute_not_exists(probe) OR probe <= :now)"
_MAY_PROBE = f"attribute_exists(pk) AND {_PAUSE_IS_OVER} AND {_HAS_NO_PROBE}"
_IS_NOT_OPEN = "attribute_not_exists(#until) OR #until <= :now"


class CircuitState(Enum):
    """What a caller may do now. `CLOSED`: call; `HALF_OPEN`: make one cheap probe call; `OPEN`: do not call."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class CircuitBreaker:
    """The circuit breaker, shared by all runs."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def acquire(self, now: datetime) -> CircuitState:
        """Return the state at `now`. `HALF_OPEN` is returned to one caller only, who makes the probe."""
        item = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True).get("Item")
        if item is None:
            return CircuitState.CLOSED
        if item["until"]["S"] > sortable(now):
            return CircuitState.OPEN
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_KEY,
                UpdateExpression="SET probe = :end",
                ConditionExpression=_MAY_PROBE,
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={
                    ":now": {"S": sortable(now)},
                    ":end": {"S": sortable(now + PROBE)},
                },
            )
        except ClientError as error:
            if condition_failed(error):
                return CircuitState.OPEN
            raise
        return CircuitState.HALF_OPEN

    def failed(self, now: datetime, *, jitter: float) -> datetime:
        """Open the circuit, for longer after each failed probe; return until when. An open circuit stays as it is.

        `jitter` (0 to 1) extends the pause by up to a half, so that waiting callers do not return all at once.
        """
        before = self.failures()
        doubled: timedelta = FIRST_PAUSE * 2 ** min(before, 10)
        pause = min(doubled, LONGEST_PAUSE) * (1 + jitter / 2)
        until = now + pause
        values: dict[str, Any] = {
            ":until": {"S": sortable(until)},
            ":now": {"S": sortable(now)},
            ":failures": {"N": str(before + 1)},
            ":ttl": time_to_live(until, timedelta(days=1)),
        }
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_KEY,
                UpdateExpression="SET #until = :until, failures = :failures, #ttl = :ttl REMOVE probe",
                ConditionExpression=_IS_NOT_OPEN,
                ExpressionAttributeNames={"#until": "until", "#ttl": "ttl"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
        return until

    def succeeded(self) -> None:
        """Close the circuit: Odoo responds again."""
        self._client.delete_item(TableName=self._table, Key=_KEY)

    def failures(self) -> int:
        """Return how often in a row Odoo was unavailable; 0 while the circuit is closed."""
        item = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True).get("Item")
        return int(item["failures"]["N"]) if item is not None else 0
