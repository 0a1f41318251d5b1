"""Show, list and void usage records."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypedDict

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from functions.admin.ports import Sources
from functions.admin.services.usage_json import UsageRecordJson, history_json, usage_record_json
from functions.admin.usage_ports import ChangeMarkers, Targets, UsageReader, UsageVoiding
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.field_types import text
from fusion_billing.catalog.identifiers import MAX_REASON, SOURCE_ID
from fusion_billing.catalog.validation import Definition, parse
from fusion_billing.dynamodb.catalog.targets import subscription_key
from fusion_billing.dynamodb.markers.change_markers import late_before, marker_of
from fusion_billing.dynamodb.usage.items import StoredUsageRecord
from fusion_billing.dynamodb.usage.selection import Selection
from fusion_billing.errors import Fault, Forbidden, NotFound, Refused, Unavailable
from fusion_billing.instants import rfc3339
from fusion_billing.metering.outcome import UNAVAILABLE, UNCHANGED
from fusion_billing.retry import Deadline

_NO_SUBSCRIPTION = "~"
"""What no subscription is named."""

_UNAVAILABLE = "The database did not respond in time: send the request again"


@dataclass(frozen=True, slots=True)
class Records:
    """Reads usage records."""

    reader: UsageReader
    sources: Sources
    targets: Targets
    deadline: Callable[[], Deadline]

    def get(self, principal: Principal, source: str, key: str) -> UsageRecordJson:
        """Return a source's record with its revisions, oldest first; raises `NotFound`."""
        record = self.existing(principal, source, key)
        shown = usage_record_json(record)
        if record.sequence is not None:
            shown["sequence"] = record.sequence
        return {**shown, "received_at": record.at, "history": history_json(record)}

    def listing(self, selection: Selection, after: str | None, limit: int) -> tuple[list[UsageRecordJson], str | None]:
        """Return a page of a pair's records by window start, and what to go on after.

        See `UsageReader.page`.
        """
        found, last = self.reader.page(selection, after, limit)
        return [usage_record_json(record) for record in found], last

    def existing(self, principal: Principal, source: str, key: str) -> StoredUsageRecord:
        """Return a source's record of what the key may use.

        Raises `NotFound` (`unknown_source` if the source is unknown).
        """
        record = self.reader.get(source, key)
        if record is not None and self._is_visible(principal, record):
            return record
        if not self.is_source(source):
            raise NotFound("Unknown source", code="unknown_source")
        raise NotFound("No such usage record")

    def _is_visible(self, principal: Principal, record: StoredUsageRecord) -> bool:
        if not principal.may_use_metric(record.metric):
            return False
        return principal.sees_every_subscription or self.visible_id(principal, record.subscription) is not None

    def is_source(self, source: str) -> bool:
        """Return whether the source exists."""
        return SOURCE_ID.fullmatch(source) is not None and self.sources.get(source) is not None

    def selected(self, principal: Principal, subscription: str, metric: str) -> str:
        """Return the ID of a subscription known under an ID or alias, of which records of a metric are read.

        An unknown one's is itself. One that the key may not use has the ID of none, so that the response is that
        of an unknown one. Raises `Forbidden` for a metric that the key may not use.
        """
        if not principal.may_use_metric(metric):
            raise Forbidden("The source of this key may not use this metric", code="metric_not_allowed")
        return self.visible_id(principal, subscription) or _NO_SUBSCRIPTION

    def visible_id(self, principal: Principal, subscription: str) -> str | None:
        """Return the ID of a subscription known under an ID or alias; None if the key may not use it."""
        key = subscription_key(subscription)
        found = self.targets.find([key], self.deadline(), fresh=True)
        if found.unknown:
            raise Unavailable(_UNAVAILABLE)
        target = found.targets.get(key)
        if principal.sees_every_subscription:
            return subscription if target is None else target.id
        if target is None or not principal.may_use_subscription(target.id, plan=target.plan):
            return None
        return target.id


def _reason(value: object) -> str:
    reason = text(value)
    if not reason.isprintable():
        raise PydanticCustomError("invalid_characters", "must be printable characters")
    return reason


class Voiding(Definition):
    """The request to void a usage record."""

    reason: (
        Annotated[
            str,
            PlainValidator(_reason),
            WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_REASON}),
        ]
        | None
    ) = None


class VoidingJson(TypedDict):
    """The result of voiding a record."""

    outcome: str
    revision: int | None


@dataclass(frozen=True, slots=True)
class Voider:
    """Voids usage records; the change marker is written first, so that no voiding is missed by rating."""

    records: Records
    markers: ChangeMarkers
    writer: UsageVoiding

    def void(self, principal: Principal, source: str, key: str, body: object, now: datetime) -> VoidingJson:
        """Void a source's record; return the outcome (`voided`, `unchanged`) and the record's revision.

        Raises `Refused`, `NotFound`, and `Unavailable`: the same call again is always right.
        """
        reason = parse(Voiding, body).reason or ""
        record, deadline = self.records.existing(principal, source, key), self.records.deadline()
        if record.voided:
            return {"outcome": UNCHANGED, "revision": record.revision}
        if self.markers.mark([marker_of(record, late_before(now))], now, deadline):
            raise Unavailable(_UNAVAILABLE)
        result = self.writer.void(record, rfc3339(now), deadline, actor=principal.actor, reason=reason)
        if result.outcome == UNAVAILABLE:
            raise Unavailable(_UNAVAILABLE)
        return {"outcome": result.outcome, "revision": result.revision}


def requested_source(records: Records, principal: Principal, requested: str | None) -> str | None:
    """Return the one source that `requested` names, a source of its own asking for itself; None for all of them.

    Raises `Refused` (`unknown_source`) where an operator names one that does not exist.
    """
    if requested in {None, principal.source}:
        return requested if principal.is_admin else principal.source
    assert requested is not None  # noqa: S101  for the type checker alone
    if not records.is_source(requested):
        raise Refused([Fault("source", "unknown_source", "Unknown source")], code="invalid_parameter")
    return requested
