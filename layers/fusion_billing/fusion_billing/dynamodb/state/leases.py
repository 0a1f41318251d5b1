"""Leases: one owner of a name at a time, for a while, whatever becomes of the owner.

An item is `LEASE#<name>` with its `owner` and `until` (sortable instant). It is free once `until` has passed,
by the clock of who asks; so a lease is made to outlast what is done under it by more than clocks differ.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb.errors import condition_failed
from fusion_billing.instants import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=1)

_IS_FREE = "attribute_not_exists(pk) OR #until <= :now"
_IS_MINE = "#owner = :owner"
_IS_STILL_MINE = "#owner = :owner AND #until > :now"


class Leases:
    """The leases in the state table; `owner` tells runs apart."""

    def __init__(self, client: "DynamoDBClient", table: str, owner: str) -> None:
        self._client = client
        self._table = table
        self.owner = owner

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        """Take the lease until `until`; False where another owner has it, or had it and left it closed."""
        return self._put(name, now, until, _IS_FREE)

    def renew(self, name: str, now: datetime, until: datetime) -> bool:
        """Prolong a lease that is held; False where it has run out, since another may have it by now."""
        return self._put(name, now, until, _IS_STILL_MINE)

    def leave_closed(self, name: str, now: datetime, until: datetime) -> None:
        """Let go, but let nobody have it before `until`: what was begun may still be going on."""
        self._put(name, now, until, _IS_MINE)

    def give_back(self, name: str) -> None:
        """Let go at once; without effect where another owner has it."""
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=_key(name),
                ConditionExpression=_IS_MINE,
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": {"S": self.owner}},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def _put(self, name: str, now: datetime, until: datetime, condition: str) -> bool:
        values: dict[str, Any] = {
            ":owner": {"S": self.owner},
            ":now": {"S": sortable(now)},
            ":until": {"S": sortable(until)},
            ":ttl": {"N": str(int((until + _KEPT).timestamp()))},
        }
        names = {"#owner": "owner", "#until": "until", "#ttl": "ttl"}
        if ":now" not in condition:
            del values[":now"]
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="SET #owner = :owner, #until = :until, #ttl = :ttl",
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _key(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"LEASE#{name}"}}
