"""Store events, and build the writes of an event with its deliveries.

The delivery to a disabled endpoint is stored as failed, so that it can be replayed. An event with many listeners has
their IDs and a due time of its own in the index `due` (`fanout`); the relay writes its deliveries, then removes both.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.attributes import Item, Request, time_to_live
from fusion_billing.instants import parse_instant, rfc3339, sortable
from fusion_billing.webhooks.delivery_result import ATTEMPT_RETENTION
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.publishing import Event, TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STORED_FAILED = "parked"
"""The state of a failed delivery, as it is stored."""

EVENTS_KEPT = timedelta(days=90)
DELIVERIES_KEPT = ATTEMPT_RETENTION
"""After the last attempt: a failed delivery can be replayed for 30 days, and its event outlives it."""

DISABLED = "the endpoint was disabled when this happened"


class EventStore:
    """Reads events, and fans out those with many listeners."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, event_id: str) -> Event | None:
        """Return an event, or None if it has expired."""
        item = self._dynamodb.get_item(TableName=self._table, Key=keys.event_key(event_id), ConsistentRead=True).get(
            "Item"
        )
        return None if item is None else _event(item)

    def bodies(self, event_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the bodies of those of the events that exist, by ID; raises `Unavailable`."""
        requested = [keys.event_key(event_id) for event_id in dict.fromkeys(event_ids)]
        found = batch_reads.items(self._dynamodb, self._table, requested)
        return {keys.parse_event(item["pk"]["S"]): bytes(item["body"]["B"]) for item in found}

    def write(self, writes: list[TransactionWrite]) -> None:
        """Store an event that reports no other write, by the writes that the outbox prepared."""
        requests: list[Any] = [*writes]
        self._dynamodb.transact_write_items(TransactItems=requests)

    def next_sequence(self, subscription: str) -> int:
        """Return the next sequence number of a subscription."""
        updated = self._dynamodb.update_item(
            TableName=self._table,
            Key=keys.event_sequence_key(subscription),
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(updated["Attributes"]["n"]["N"])

    def to_fan_out(self, limit: int) -> list[str]:
        """Return the IDs of events whose deliveries are not written yet, the oldest first."""
        page = self._dynamodb.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_pk = :fanout",
            ExpressionAttributeValues={":fanout": {"S": keys.FANOUT_PARTITION}},
            Limit=limit,
        )
        return [keys.parse_event(item["pk"]["S"]) for item in page["Items"]]

    def fan_out(self, event_id: str, endpoints: Iterable[Endpoint]) -> list[str]:
        """Write the deliveries of an event, and return the IDs of the endpoints to serve.

        `endpoints` are all that exist; deleted ones get no delivery. The call may be repeated, or stop at any
        point: a delivery that exists stays as it is.
        """
        item = self._dynamodb.get_item(TableName=self._table, Key=keys.event_key(event_id), ConsistentRead=True).get(
            "Item"
        )
        if item is None or "fan" not in item:
            return []
        event = _event(item)
        listed = {endpoint["S"] for endpoint in item["fan"]["L"]}
        listening = [endpoint for endpoint in endpoints if endpoint.id in listed]
        for endpoint in listening:
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=_delivery_item(event, endpoint),
                    ConditionExpression="attribute_not_exists(pk)",
                )
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                continue
        self._dynamodb.update_item(
            TableName=self._table,
            Key=keys.event_key(event_id),
            UpdateExpression="REMOVE due_pk, due_at, fan",
            ConditionExpression="attribute_exists(pk)",
        )
        return [endpoint.id for endpoint in listening if endpoint.enabled]


def event_writes(table: str, event: Event, endpoints: Sequence[Endpoint], *, direct: bool) -> list[Request]:
    """Return the writes of an event for a transaction: the event and, if `direct`, its deliveries."""
    stored = _event_item(event)
    if not direct:
        stored["fan"] = {"L": [{"S": endpoint.id} for endpoint in endpoints]}
        stored["due_pk"] = {"S": keys.FANOUT_PARTITION}
        stored["due_at"] = {"S": sortable(event.at)}
    items = [stored, *(_delivery_item(event, endpoint) for endpoint in endpoints if direct)]
    return [{"Put": {"TableName": table, "Item": item}} for item in items]


def _event_item(event: Event) -> Item:
    item: Item = {
        **keys.event_key(event.id),
        "type": {"S": event.type},
        "body": {"B": event.body},
        "at": {"S": rfc3339(event.at)},
        "ttl": time_to_live(event.at, EVENTS_KEPT),
    }
    return item | _about(event)


def _about(event: Event) -> Item:
    """Return the attributes that decide who may see an event."""
    named = (("subscription", event.subscription), ("plan", event.plan), ("metric", event.metric))
    return {name: {"S": value} for name, value in named if value is not None}


def _event(item: Any) -> Event:
    return Event(
        id=keys.parse_event(item["pk"]["S"]),
        type=item["type"]["S"],
        subscription=item["subscription"]["S"] if "subscription" in item else None,
        body=bytes(item["body"]["B"]),
        at=parse_instant(item["at"]["S"]),
        plan=item["plan"]["S"] if "plan" in item else None,
        metric=item["metric"]["S"] if "metric" in item else None,
    )


def _delivery_item(event: Event, endpoint: Endpoint) -> Item:
    due_partition = keys.due_deliveries_partition if endpoint.enabled else keys.failed_deliveries_partition
    item: Item = {
        **keys.delivery_key(endpoint.id, event.id),
        "type": {"S": event.type},
        "state": {"S": "due" if endpoint.enabled else STORED_FAILED},
        "tries": {"N": "0"},
        "at": {"S": rfc3339(event.at)},
        "due_pk": {"S": due_partition(endpoint.id)},
        "due_at": {"S": sortable(event.at)},
        "ttl": time_to_live(event.at, DELIVERIES_KEPT),
    }
    if not endpoint.enabled:
        item["error"] = {"S": DISABLED}
    return item | _about(event)
