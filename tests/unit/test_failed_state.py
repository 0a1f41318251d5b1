"""Items that were stored under the former name of a failed line or delivery are read as failed."""

from typing import Any

import pytest

from fusion_billing.dynamodb.ratings.order_line_items import read_line
from fusion_billing.dynamodb.webhooks.delivery_items import from_item

_LINE: dict[str, Any] = {
    "pk": {"S": "R#42#2026-11-01T00:00:00Z"},
    "sk": {"S": "api_calls"},
    "version": {"N": "1"},
    "amount": {"S": "1.00"},
    "doc": {"S": "{}"},
}
_DELIVERY: dict[str, Any] = {
    "pk": {"S": "W#ep_1"},
    "sk": {"S": "msg_1"},
    "type": {"S": "rating.updated"},
    "tries": {"N": "10"},
    "at": {"S": "2026-11-01T00:00:00Z"},
}


@pytest.mark.parametrize(
    ("stored", "state"), [("parked", "failed"), ("due", "due"), ("sent", "sent"), ("waiting", "waiting")]
)
def test_a_line_is_read_with_its_state(stored: str, state: str) -> None:
    assert read_line({**_LINE, "line_state": {"S": stored}}).state == state


@pytest.mark.parametrize(("stored", "state"), [("parked", "failed"), ("due", "due"), ("delivered", "delivered")])
def test_a_delivery_is_read_with_its_state(stored: str, state: str) -> None:
    assert from_item({**_DELIVERY, "state": {"S": stored}}).state == state
