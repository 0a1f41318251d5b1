"""Turns: one nudged run at a time for an endpoint, so that one which hangs never holds more than one of them.

An item is `LEASE#delivery/<endpoint>`. Who finds the turn taken leaves a note on it (`again`), and who gives
it back with a note on it has the endpoint nudged once more: nothing is missed between the two.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fusion_billing.instants import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=1)
_RACES = 3


class EndpointLeases:
    """EndpointLeases in the state table. `token` tells runs apart."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def take(self, endpoint_id: str, *, token: str, now: datetime, until: datetime) -> bool:
        """Take an endpoint's turn until an instant; False where another run has it, and was left a note."""
        for _ in range(_RACES):
            if self._begin(endpoint_id, token, now, until):
                return True
            if self._leave_note(endpoint_id, now):
                return False
        return False

    def give_back(self, endpoint_id: str, *, token: str) -> bool:
        """Give a turn back; True where another run was turned away meanwhile, so that one more is due."""
        mine = "#owner = :token"
        nobody_came = "attribute_not_exists(again)"
        if self._delete(endpoint_id, token, f"{mine} AND {nobody_came}"):
            return False
        return self._delete(endpoint_id, token, mine)

    def _begin(self, endpoint_id: str, token: str, now: datetime, until: datetime) -> bool:
        free = "attribute_not_exists(pk)"
        run_out = "#until <= :now"
        return self._update(
            endpoint_id,
            "SET #owner = :token, #until = :until, #ttl = :ttl REMOVE again",
            f"{free} OR {run_out}",
            {
                ":token": {"S": token},
                ":now": {"S": sortable(now)},
                ":until": {"S": sortable(until)},
                ":ttl": {"N": str(int((until + _KEPT).timestamp()))},
            },
            {"#owner": "owner", "#until": "until", "#ttl": "ttl"},
        )

    def _leave_note(self, endpoint_id: str, now: datetime) -> bool:
        still_taken = "#until > :now"
        return self._update(
            endpoint_id,
            "SET again = :yes",
            still_taken,
            {":yes": {"BOOL": True}, ":now": {"S": sortable(now)}},
            {"#until": "until"},
        )

    def _update(
        self, endpoint_id: str, update: str, condition: str, values: dict[str, Any], names: dict[str, str]
    ) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(endpoint_id),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _delete(self, endpoint_id: str, token: str, condition: str) -> bool:
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=_key(endpoint_id),
                ConditionExpression=condition,
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":token": {"S": token}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(endpoint_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"LEASE#delivery/{endpoint_id}"}}
