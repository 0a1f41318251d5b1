"""A usage record as answers show it, wherever one is shown."""

import json
from datetime import datetime
from typing import Any

from fusion_billing.decimals import plain
from fusion_billing.instants import rfc3339
from fusion_billing.store.usage_items import UsageRecord


def shown(record: UsageRecord) -> dict[str, Any]:
    """Return what a record says, without the subscription and metric that it says it of, or its history."""
    answer: dict[str, Any] = {
        "idempotency_key": record.key,
        "source": record.source,
        "period_start": rfc3339(datetime.fromisoformat(record.start)),
        "period_end": rfc3339(datetime.fromisoformat(record.end)),
        "quantity": plain(record.quantity),
        "revision": record.revision,
    }
    if record.member is not None:
        answer["member"] = record.member
    if record.properties:
        answer["properties"] = json.loads(record.properties)
    return answer
