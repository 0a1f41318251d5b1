"""A usage record as answers show it, wherever one is shown."""

import json
from datetime import datetime
from typing import Any

from fusion_billing.decimals import plain
from fusion_billing.dynamodb.usage.items import Revision, StoredUsageRecord
from fusion_billing.instants import rfc3339


def shown(record: StoredUsageRecord) -> dict[str, Any]:
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
    if record.voided:
        answer["voided"] = True
    return answer


def history(record: StoredUsageRecord) -> list[dict[str, Any]]:
    """Return a record's revisions, oldest first; one that voided it says so in place of a quantity."""
    return [_revision(revision) for revision in record.history]


def _revision(revision: Revision) -> dict[str, Any]:
    answer: dict[str, Any] = {"revision": revision.number}
    if revision.quantity is None:
        answer["voided"] = True
    else:
        answer["quantity"] = plain(revision.quantity)
    if revision.sequence is not None:
        answer["sequence"] = revision.sequence
    if revision.member is not None:
        answer["member"] = revision.member
    if revision.reason:
        answer["reason"] = revision.reason
    if revision.actor:
        answer["actor"] = revision.actor
    return {**answer, "received_at": revision.at}
