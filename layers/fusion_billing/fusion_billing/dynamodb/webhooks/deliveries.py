"""Deliveries: found by their due time, claimed by a lease, kept with every attempt.

A claim moves the due time to the lease's end, so the index shows a delivery to nobody else meanwhile; and if
whoever claimed it dies, to everybody afterwards. A claim is guarded by the due time it was found at, the
end of a try by the claim's own token: a relay that comes back late writes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.webhooks.events import DELIVERIES_KEPT, STORED_FAILED
from fusion_billing.instants import parse_instant, rfc3339, sortable
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import (
    Attempt,
    DeliveryResult,
    DeliveryState,
    EndpointResponse,
    recent_attempts,
)
from fusion_billing.webhooks.filters import matches

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

_STATES: dict[str, DeliveryState] = {
    "due": "due",
    "delivered": "delivered",
    "failed": "failed",
    STORED_FAILED: "failed",
}
_AFTER_EVERY_ID = "msg_~"
_PAGES_READ = 10  # of at most 1 MB each, for one page of a filtered list


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery as the index shows it: perhaps not as it is any more."""

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
        """Return what is due for one endpoint at `now`, the longest due first."""
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
        """Take a due delivery for oneself until an instant; None where another has, or it is due no more."""
        still_due = "#state = :due AND due_at = :seen"
        try:
            answer = self._dynamodb.update_item(
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
        return from_item(answer["Attributes"])

    def finish(
        self, delivery: Delivery, *, token: str, answer: EndpointResponse | None, result: DeliveryResult, now: datetime
    ) -> bool:
        """Store how a claimed delivery's try ended; False where the claim was lost meanwhile.

        `answer` is None where nothing was sent, and then no try is counted.
        """
        attempts, attempt_count = delivery.attempts, delivery.attempt_count
        if answer is not None:
            tried = Attempt(now, answer.status, answer.milliseconds, answer.error, answer.excerpt)
            attempts, attempt_count = (*attempts, tried), attempt_count + 1
        values: Item = {
            ":state": {"S": _stored_state(result.state)},
            ":tries": {"N": str(attempt_count)},
            ":attempts": {"L": [{"M": _attempt_item(one)} for one in recent_attempts(attempts, now)]},
            ":ttl": {"N": str(int((now + DELIVERIES_KEPT).timestamp()))},
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

    def replay(self, endpoint_id: str, event_id: str, now: datetime) -> bool:
        """Make a delivery due now, from the schedule's beginning, whatever it was; False if there is none."""
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
                ":ttl": {"N": str(int((now + DELIVERIES_KEPT).timestamp()))},
            },
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
        oldest_first: bool = False,
    ) -> tuple[list[Delivery], str | None]:
        """Return a page of an endpoint's deliveries, the newest first unless told, and the id to go on after.

        `type_` is an event type or a filter such as `rating.*`.
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
            if _passes(item, states, type_):
                if len(found) == limit:
                    return found, found[-1].event
                found.append(from_item(item))
            last = item["sk"]["S"]
        return found, None

    def _read(self, endpoint_id: str, lowest: str, highest: str, *, oldest_first: bool) -> Iterator[Any | None]:
        """Yield an endpoint's deliveries, then None if there are more than one call should read."""
        start: Any = {}
        for _ in range(_PAGES_READ):
            page = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :lowest AND :highest",
                ExpressionAttributeValues={
                    ":pk": {"S": keys.deliveries_partition(endpoint_id)},
                    ":lowest": {"S": lowest},
                    ":highest": {"S": highest},
                },
                ScanIndexForward=oldest_first,
                ConsistentRead=True,
                **start,
            )
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        yield None

    def _update(self, endpoint_id: str, event_id: str, update: str, condition: str, values: Item) -> bool:
        names = {"#state": "state", "#ttl": "ttl", "#error": "error"}
        both = f"{update} {condition}"
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.delivery_key(endpoint_id, event_id),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={short: name for short, name in names.items() if short in both},
                ExpressionAttributeValues=values,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def from_item(item: Any) -> Delivery:
    """Return the delivery that an item holds."""
    return Delivery(
        endpoint=keys.parse_deliveries_partition(item["pk"]["S"]),
        event=item["sk"]["S"],
        type=item["type"]["S"],
        state=_state(item["state"]["S"]),
        attempt_count=int(item["tries"]["N"]),
        created_at=parse_instant(item["at"]["S"]),
        subscription=item["subscription"]["S"] if "subscription" in item else None,
        due_at=parse_instant(item["due_at"]["S"]) if "due_at" in item and item["state"]["S"] == "due" else None,
        error=item["error"]["S"] if "error" in item else None,
        attempts=tuple(_attempt(one["M"]) for one in item.get("attempts", {"L": []})["L"]),
    )


def _passes(item: Any, states: frozenset[DeliveryState] | None, type_: str | None) -> bool:
    if states is not None and _state(item["state"]["S"]) not in states:
        return False
    return type_ is None or matches([type_], item["type"]["S"])


def _state(stored: str) -> DeliveryState:
    return _STATES[stored]


def _stored_state(state: DeliveryState) -> str:
    return STORED_FAILED if state == "failed" else state


def _attempt_item(attempt: Attempt) -> Item:
    item: Item = {"at": {"S": rfc3339(attempt.attempted_at)}, "ms": {"N": str(attempt.milliseconds)}}
    if attempt.status is not None:
        item["status"] = {"N": str(attempt.status)}
    if attempt.error is not None:
        item["error"] = {"S": attempt.error}
    if attempt.excerpt:
        item["answer"] = {"S": attempt.excerpt}
    return item


def _attempt(item: Any) -> Attempt:
    return Attempt(
        attempted_at=parse_instant(item["at"]["S"]),
        status=int(item["status"]["N"]) if "status" in item else None,
        milliseconds=int(item["ms"]["N"]),
        error=item["error"]["S"] if "error" in item else None,
        excerpt=item["answer"]["S"] if "answer" in item else "",
    )
