"""Store deliveries, with every attempt. A due delivery is found by its due time and claimed by a lease.

A claim moves the due time to the end of the lease, so that nobody else finds the delivery meanwhile, and everybody
does if the claimant dies. A claim is conditional on the due time that was found, the end of an attempt on the claim's
token: a relay that returns too late writes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, time_to_live
from fusion_billing.dynamodb.errors import cancelled_by_condition, condition_failed
from fusion_billing.dynamodb.query_pages import query_pages
from fusion_billing.dynamodb.webhooks.delivery_items import attempt_item, from_item, passes, stored_state
from fusion_billing.dynamodb.webhooks.events import DELIVERIES_KEPT, STORED_FAILED
from fusion_billing.instants import parse_instant, sortable
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import (
    Attempt,
    DeliveryResult,
    DeliveryState,
    EndpointResponse,
    recent_attempts,
)
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AFTER_EVERY_ID = "msg_~"
_PAGES_READ = 10  # of at most 1 MB each, for one page of a filtered list


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery as the index has it, which may be out of date."""

    endpoint: str
    event: str
    due_at: str

    @property
    def due(self) -> datetime:
        """Return when it is, or was, due."""
        return parse_instant(self.due_at)


class DeliveryStore:
    """Reads and writes deliveries."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def due(self, endpoint_id: str, now: datetime, *, limit: int) -> list[Due]:
        """Return deliveries that are due for an endpoint at `now`, the longest due first."""
        page = self._dynamodb.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_pk = :endpoint AND due_at <= :now",
            ExpressionAttributeValues={
                ":endpoint": {"S": keys.due_deliveries_partition(endpoint_id)},
                ":now": {"S": sortable(now)},
            },
            Limit=limit,
        )
        return [Due(endpoint_id, item["sk"]["S"], item["due_at"]["S"]) for item in page["Items"]]

    def claim(self, found: Due, *, token: str, until: datetime) -> Delivery | None:
        """Claim a due delivery until an instant. Return None if another claimed it, or if it is no longer due."""
        still_due = "#state = :due AND due_at = :seen"
        try:
            claimed = self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.delivery_key(found.endpoint, found.event),
                UpdateExpression="SET lease = :token, due_at = :until",
                ConditionExpression=still_due,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":token": {"S": token},
                    ":until": {"S": sortable(until)},
                    ":seen": {"S": found.due_at},
                    ":due": {"S": "due"},
                },
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return from_item(claimed["Attributes"])

    def finish(
        self,
        delivery: Delivery,
        *,
        token: str,
        response: EndpointResponse | None,
        result: DeliveryResult,
        now: datetime,
    ) -> bool:
        """Store the result of an attempt at a claimed delivery. Return False if the claim was lost.

        `response` is None if nothing was sent; then no attempt is counted.
        """
        attempts, attempt_count = delivery.attempts, delivery.attempt_count
        if response is not None:
            attempt = Attempt(now, response.status, response.milliseconds, response.error, response.excerpt)
            attempts, attempt_count = (*attempts, attempt), attempt_count + 1
        values: Item = {
            ":state": {"S": stored_state(result.state)},
            ":tries": {"N": str(attempt_count)},
            ":attempts": {"L": [{"M": attempt_item(attempt)} for attempt in recent_attempts(attempts, now)]},
            ":ttl": time_to_live(now, DELIVERIES_KEPT),
            ":token": {"S": token},
        }
        sets = ["#state = :state", "tries = :tries", "attempts = :attempts", "#ttl = :ttl"]
        removes = ["lease"]
        if result.state == "delivered":
            removes += ["due_pk", "due_at", "#error"]
        else:
            sets += ["due_pk = :due_pk", "due_at = :due_at"]
            is_failed = result.state == "failed"
            partition = keys.failed_deliveries_partition if is_failed else keys.due_deliveries_partition
            values[":due_pk"] = {"S": partition(delivery.endpoint)}
            values[":due_at"] = {"S": sortable(result.due_at or now)}
            if result.error is None:
                removes.append("#error")
            else:
                sets.append("#error = :error")
                values[":error"] = {"S": result.error}
        claim_is_mine = "lease = :token"
        return self._update(
            delivery.endpoint,
            delivery.event,
            f"SET {', '.join(sets)} REMOVE {', '.join(removes)}",
            claim_is_mine,
            values,
        )

    def fail(self, found: Due, *, reason: str) -> bool:
        """Fail a due delivery without an attempt. Return False if it is no longer due."""
        still_due = "#state = :due AND due_at = :seen"
        return self._update(
            found.endpoint,
            found.event,
            "SET #state = :failed, due_pk = :due_pk, #error = :error REMOVE lease",
            still_due,
            {
                ":due": {"S": "due"},
                ":seen": {"S": found.due_at},
                ":failed": {"S": STORED_FAILED},
                ":due_pk": {"S": keys.failed_deliveries_partition(found.endpoint)},
                ":error": {"S": reason},
            },
        )

    def replay(self, endpoint_id: str, event_id: str, now: datetime, also: Sequence[TransactionWrite] = ()) -> bool:
        """Make a delivery due now and restart its retry schedule. Return False if it does not exist."""
        return self._update(
            endpoint_id,
            event_id,
            "SET #state = :due, tries = :none, due_pk = :due_pk, due_at = :now, #ttl = :ttl REMOVE lease, #error",
            "attribute_exists(pk)",
            {
                ":due": {"S": "due"},
                ":none": {"N": "0"},
                ":due_pk": {"S": keys.due_deliveries_partition(endpoint_id)},
                ":now": {"S": sortable(now)},
                ":ttl": time_to_live(now, DELIVERIES_KEPT),
            },
            also=also,
        )

    def get(self, endpoint_id: str, event_id: str) -> Delivery | None:
        """Return one delivery, or None."""
        item = self._dynamodb.get_item(
            TableName=self._table, Key=keys.delivery_key(endpoint_id, event_id), ConsistentRead=True
        ).get("Item")
        return None if item is None else from_item(item)

    def listing(
        self,
        endpoint_id: str,
        *,
        limit: int,
        after: str | None = None,
        since: datetime | None = None,
        states: frozenset[DeliveryState] | None = None,
        type_: str | None = None,
        visible_to: Endpoint | None = None,
        oldest_first: bool = False,
    ) -> tuple[list[Delivery], str | None]:
        """Return a page of an endpoint's deliveries, and the ID to go on after (None: it was the last).

        The newest are first unless `oldest_first`. `type_` is an event type or a filter such as `rating.*`.
        Those of events that the source of `visible_to` may no longer see are left out.
        """
        lowest = "msg_" if since is None else identifiers.first_event_id(since)
        highest = _AFTER_EVERY_ID
        if after is not None:
            lowest, highest = (after, highest) if oldest_first else (lowest, after)
        found: list[Delivery] = []
        last: str | None = None
        for item in self._read(endpoint_id, lowest, highest, oldest_first=oldest_first):
            if item is None:
                return found, last
            if item["sk"]["S"] == after:
                continue
            delivery = from_item(item) if passes(item, states, type_) else None
            if delivery is not None and (visible_to is None or visible_to.may_see_delivery(delivery)):
                if len(found) == limit:
                    return found, found[-1].event
                found.append(delivery)
            last = item["sk"]["S"]
        return found, None

    def failed_count(self, endpoint_id: str, most: int) -> int:
        """Return how many deliveries of an endpoint have failed, `most` at most."""
        response = self._dynamodb.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_pk = :failed",
            ExpressionAttributeValues={":failed": {"S": keys.failed_deliveries_partition(endpoint_id)}},
            Select="COUNT",
            Limit=most,
        )
        return response["Count"]

    def _read(self, endpoint_id: str, lowest: str, highest: str, *, oldest_first: bool) -> Iterator[Any | None]:
        """Yield an endpoint's deliveries, then None if there are more than one call should read."""
        request: Any = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :lowest AND :highest",
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.deliveries_partition(endpoint_id)},
                ":lowest": {"S": lowest},
                ":highest": {"S": highest},
            },
            "ScanIndexForward": oldest_first,
            "ConsistentRead": True,
        }
        for number, (items, following) in enumerate(query_pages(self._dynamodb, request), 1):
            yield from items
            if number == _PAGES_READ and following is not None:
                yield None
                return

    def _update(
        self,
        endpoint_id: str,
        event_id: str,
        update: str,
        condition: str,
        values: Item,
        *,
        also: Sequence[TransactionWrite] = (),
    ) -> bool:
        names = {"#state": "state", "#ttl": "ttl", "#error": "error"}
        both = f"{update} {condition}"
        request: Any = {
            "TableName": self._table,
            "Key": keys.delivery_key(endpoint_id, event_id),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {short: name for short, name in names.items() if short in both},
            "ExpressionAttributeValues": values,
        }
        try:
            if also:
                writes: Any = [{"Update": request}, *also]
                self._dynamodb.transact_write_items(TransactItems=writes)
            else:
                self._dynamodb.update_item(**request)
        except ClientError as error:
            if condition_failed(error) or cancelled_by_condition(error):
                return False
            raise
        return True
