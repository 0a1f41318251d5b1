"""Deliveries as items of the webhooks table, and back."""

from typing import Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.webhooks.events import STORED_FAILED
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import Attempt, DeliveryState
from fusion_billing.webhooks.filters import matches

_STATES: dict[str, DeliveryState] = {
    "due": "due",
    "delivered": "delivered",
    "failed": "failed",
    STORED_FAILED: "failed",
}


def from_item(item: Item) -> Delivery:
    """Return the delivery of an item."""
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
        plan=item["plan"]["S"] if "plan" in item else None,
        metric=item["metric"]["S"] if "metric" in item else None,
        attempts=tuple(_read_attempt(attempt["M"]) for attempt in item.get("attempts", {"L": []})["L"]),
    )


def passes(item: Item, states: frozenset[DeliveryState] | None, type_: str | None) -> bool:
    """Return whether an item is in one of `states` and of an event type (None: any)."""
    if states is not None and _state(item["state"]["S"]) not in states:
        return False
    return type_ is None or matches([type_], item["type"]["S"])


def _state(stored: str) -> DeliveryState:
    return _STATES[stored]


def stored_state(state: DeliveryState) -> str:
    """Return a state as it is stored."""
    return STORED_FAILED if state == "failed" else state


def attempt_item(attempt: Attempt) -> Item:
    """Return an attempt as it is stored."""
    item: Item = {"at": {"S": rfc3339(attempt.attempted_at)}, "ms": {"N": str(attempt.milliseconds)}}
    if attempt.status is not None:
        item["status"] = {"N": str(attempt.status)}
    if attempt.error is not None:
        item["error"] = {"S": attempt.error}
    if attempt.excerpt:
        item["answer"] = {"S": attempt.excerpt}
    return item


def _read_attempt(item: Any) -> Attempt:
    return Attempt(
        attempted_at=parse_instant(item["at"]["S"]),
        status=int(item["status"]["N"]) if "status" in item else None,
        milliseconds=int(item["ms"]["N"]),
        error=item["error"]["S"] if "error" in item else None,
        excerpt=item["answer"]["S"] if "answer" in item else "",
    )
