"""A usage record as responses show it."""

import json
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from fusion_billing.decimals import plain
from fusion_billing.dynamodb.usage.items import Revision, StoredUsageRecord
from fusion_billing.instants import rfc3339


class RevisionJson(TypedDict):
    """One revision of a usage record; one that voided it has `voided` instead of a quantity."""

    revision: int
    received_at: NotRequired[str]
    quantity: NotRequired[str]
    voided: NotRequired[Literal[True]]
    sequence: NotRequired[int]
    member: NotRequired[str]
    reason: NotRequired[str]
    actor: NotRequired[str]


class UsageRecordJson(TypedDict):
    """A usage record; its pair, its sequence and its history are shown by some routes only."""

    idempotency_key: str
    source: str
    period_start: str
    period_end: str
    quantity: str
    revision: int
    subscription: NotRequired[str]
    metric: NotRequired[str]
    member: NotRequired[str]
    properties: NotRequired[dict[str, str]]
    sequence: NotRequired[int]
    voided: NotRequired[Literal[True]]
    received_at: NotRequired[str]
    history: NotRequired[list[RevisionJson]]


def usage_record_json(record: StoredUsageRecord, *, pair: bool = True) -> UsageRecordJson:
    """Return a record without its history; with `pair`, the subscription and metric that it belongs to."""
    shown: UsageRecordJson = {
        "idempotency_key": record.key,
        "source": record.source,
        "period_start": rfc3339(datetime.fromisoformat(record.start)),
        "period_end": rfc3339(datetime.fromisoformat(record.end)),
        "quantity": plain(record.quantity),
        "revision": record.revision,
    }
    if pair:
        shown["subscription"] = record.subscription
        shown["metric"] = record.metric
    if record.member is not None:
        shown["member"] = record.member
    if record.properties:
        shown["properties"] = json.loads(record.properties)
    if record.voided:
        shown["voided"] = True
    return shown


def history_json(record: StoredUsageRecord) -> list[RevisionJson]:
    """Return a record's revisions, oldest first."""
    return [_revision(revision) for revision in record.history]


def _revision(revision: Revision) -> RevisionJson:
    shown: RevisionJson = {"revision": revision.number}
    if revision.quantity is None:
        shown["voided"] = True
    else:
        shown["quantity"] = plain(revision.quantity)
    if revision.sequence is not None:
        shown["sequence"] = revision.sequence
    if revision.member is not None:
        shown["member"] = revision.member
    if revision.reason:
        shown["reason"] = revision.reason
    if revision.actor:
        shown["actor"] = revision.actor
    shown["received_at"] = revision.at
    return shown
