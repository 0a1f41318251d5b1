"""Events as they are stored, and the writes of an event with its deliveries.

A delivery that nobody serves (its endpoint is disabled) is written as failed, so that it can be replayed.
An event with many listeners carries their ids and a due time of its own in the `due` index (`fanout`); the
relay writes its deliveries and takes it out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb import keys
from fusion_billing.instants import parse_instant, rfc3339, sortable
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.publishing import Event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STORED_FAILED = "parked"
"""The state of a failed delivery, as it is stored."""

EVENTS_KEPT = timedelta(days=90)
DELIVERIES_KEPT = timedelta(days=30)
"""After the last try. So a failed delivery can be replayed for thirty days, and its event outlives it."""

DISABLED = "the endpoint was disabled when this happened"

Item = dict[str, Any]


class EventStore:
    """Reads events, and fans out those with many listeners."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, event_id: str) -> Event | None:
        """Return an event, or None where it is no more."""
        item = self._dynamodb.get_item(TableName=self._table, Key=keys.event_key(event_id), ConsistentRead=True).get(
            "Item"
        )
        return None if item is None else _event(item)

    def write(self, writes: list[Any]) -> None:
        """Store an event that tells of nothing else that is written: the writes that the outbox prepared."""
        self._dynamodb.transact_write_items(TransactItems=writes)

    def next_sequence(self, subscription: str) -> int:
        """Return a number higher than every one given for this subscription before."""
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key=keys.event_sequence_key(subscription),
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["n"]["N"])

    def to_fan_out(self, limit: int) -> list[str]:
        """Return ids of events whose deliveries are still to be written, the oldest first."""
        page = self._dynamodb.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="due_pk = :fanout",
            ExpressionAttributeValues={":fanout": {"S": keys.FANOUT_PARTITION}},
            Limit=limit,
        )
        return [keys.parse_event(item["pk"]["S"]) for item in page["Items"]]

    def fan_out(self, event_id: str, endpoints: Iterable[Endpoint]) -> list[str]:
        """Write the deliveries of one event, and return the endpoints to be served.

        `endpoints` are all there are; those that are gone since are left out. It may be repeated or cut
        off at any point: a delivery that is there already stays as it is.
        """
        item = self._dynamodb.get_item(TableName=self._table, Key=keys.event_key(event_id), ConsistentRead=True).get(
            "Item"
        )
        if item is None or "fan" not in item:
            return []
        event = _event(item)
        listed = {one["S"] for one in item["fan"]["L"]}
        heard = [one for one in endpoints if one.id in listed]
        for endpoint in heard:
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
        return [one.id for one in heard if one.enabled]


def event_writes(table: str, event: Event, endpoints: Sequence[Endpoint], *, direct: bool) -> list[Any]:
    """Return what goes into a transaction for an event: the event and, if `direct`, its deliveries."""
    stored = _event_item(event)
    if not direct:
        stored["fan"] = {"L": [{"S": one.id} for one in endpoints]}
        stored["due_pk"] = {"S": keys.FANOUT_PARTITION}
        stored["due_at"] = {"S": sortable(event.at)}
    items = [stored, *(_delivery_item(event, one) for one in endpoints if direct)]
    return [{"Put": {"TableName": table, "Item": item}} for item in items]


def _event_item(event: Event) -> Item:
    item: Item = {
        **keys.event_key(event.id),
        "type": {"S": event.type},
        "body": {"B": event.body},
        "at": {"S": rfc3339(event.at)},
        "ttl": {"N": _epoch(event.at + EVENTS_KEPT)},
    }
    if event.subscription is not None:
        item["subscription"] = {"S": event.subscription}
    return item


def _event(item: Any) -> Event:
    return Event(
        id=keys.parse_event(item["pk"]["S"]),
        type=item["type"]["S"],
        subscription=item["subscription"]["S"] if "subscription" in item else None,
        body=bytes(item["body"]["B"]),
        at=parse_instant(item["at"]["S"]),
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
        "ttl": {"N": _epoch(event.at + DELIVERIES_KEPT)},
    }
    if event.subscription is not None:
        item["subscription"] = {"S": event.subscription}
    if not endpoint.enabled:
        item["error"] = {"S": DISABLED}
    return item


def _epoch(instant: datetime) -> str:
    return str(int(instant.timestamp()))
