"""Leases: exclusive, expiring claims on a name.

An item `LEASE#<name>` has its `owner` and `until` (a sortable instant). A lease is free once `until` has passed by the
caller's clock, so take it for longer than the work takes, by more than clocks differ.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import from_sortable_instant, time_to_live
from fusion_billing.dynamodb.errors import condition_failed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=1)

_NAMES = {"#owner": "owner", "#until": "until", "#ttl": "ttl"}
_IS_FREE = "attribute_not_exists(pk) OR #until <= :now"
_IS_TAKEN = "#until > :now"
_IS_OWN = "#owner = :owner"
_IS_STILL_OWN = f"{_IS_OWN} AND {_IS_TAKEN}"
_IS_NOT_REQUESTED = "attribute_not_exists(again)"
_HOLD = "SET #owner = :owner, #until = :until, #ttl = :ttl"


class Leases:
    """The leases in the state table; `owner` distinguishes runs."""

    def __init__(self, client: "DynamoDBClient", table: str, owner: str) -> None:
        self._client = client
        self._table = table
        self.owner = owner

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        """Take the lease until `until`; return False if another owner holds it, or left it closed."""
        return self._hold(name, now, until, f"{_HOLD} REMOVE again", _IS_FREE)

    def renew(self, name: str, now: datetime, until: datetime) -> bool:
        """Extend a lease that is held; return False if it has expired, since another owner may hold it by now."""
        return self._hold(name, now, until, _HOLD, _IS_STILL_OWN)

    def leave_closed(self, name: str, now: datetime, until: datetime) -> None:
        """Release the lease, but keep it closed until `until`, since a call may still be in progress."""
        self._hold(name, now, until, _HOLD, _IS_OWN)

    def request(self, name: str, now: datetime) -> bool:
        """Leave a note on a lease that another owner holds; return False if it is free by now."""
        return self._update(name, "SET again = :yes", _IS_TAKEN, {":yes": {"BOOL": True}, **_instant(":now", now)})

    def give_back(self, name: str, *, unless_requested: bool = False) -> bool:
        """Release the lease at once; return False, and do nothing, if another owner holds it.

        With `unless_requested` it also does nothing if a note was left on the lease.
        """
        condition = f"{_IS_OWN} AND {_IS_NOT_REQUESTED}" if unless_requested else _IS_OWN
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=keys.lease_key(name),
                ConditionExpression=condition,
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": {"S": self.owner}},
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def _hold(self, name: str, now: datetime, until: datetime, update: str, condition: str) -> bool:
        values = {
            ":owner": {"S": self.owner},
            ":ttl": time_to_live(until, _KEPT),
            **_instant(":until", until),
            **(_instant(":now", now) if ":now" in condition else {}),
        }
        return self._update(name, update, condition, values)

    def _update(self, name: str, update: str, condition: str, values: Mapping[str, Any]) -> bool:
        both = f"{update} {condition}"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=keys.lease_key(name),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={short: attribute for short, attribute in _NAMES.items() if short in both},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _instant(name: str, value: datetime) -> dict[str, Any]:
    return {name: from_sortable_instant(value)}
