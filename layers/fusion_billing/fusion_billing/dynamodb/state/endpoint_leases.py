"""Leases of endpoints: one run delivers to an endpoint, so a slow endpoint occupies only one run.

A run that finds the lease taken leaves a note on it. A run that gives back a lease with a note has the endpoint
served once more, so nothing is missed between the two.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from fusion_billing.dynamodb.keys import delivery_lease
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.retry import RetryPolicy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RACES = RetryPolicy(max_attempts=3, first_pause=0)


class EndpointLeases:
    """The leases of endpoints in the state table; `token` distinguishes runs."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def take(self, endpoint_id: str, *, token: str, now: datetime, until: datetime) -> bool:
        """Take the lease of an endpoint; return False, and leave a note, if another run holds it."""
        name, leases = delivery_lease(endpoint_id), self._of(token)
        for _ in _RACES.attempts():
            if leases.take(name, now, until):
                return True
            if leases.request(name, now):
                return False
        return False

    def give_back(self, endpoint_id: str, *, token: str) -> bool:
        """Give the lease back; return True if another run left a note, so that one more run is due."""
        name, leases = delivery_lease(endpoint_id), self._of(token)
        if leases.give_back(name, unless_requested=True):
            return False
        return leases.give_back(name)

    def _of(self, token: str) -> Leases:
        return Leases(self._dynamodb, self._table, token)
