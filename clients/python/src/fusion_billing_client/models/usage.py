"""Usage records, and the results of pushing, voiding and comparing them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from fusion_billing_client.decoding import Model
from fusion_billing_client.errors import FieldError

ACCEPTED: Final = frozenset({"created", "updated", "unchanged", "stale"})
"""Outcomes of records that the service has."""


@dataclass(frozen=True, kw_only=True)
class Revision(Model):
    """One revision of a usage record; `voided` is true for the one that voided it."""

    revision: int
    received_at: datetime | None = None
    quantity: Decimal | None = None
    voided: bool = False
    sequence: int | None = None
    member: str | None = None
    reason: str | None = None
    actor: str | None = None


@dataclass(frozen=True, kw_only=True)
class UsageRecord(Model):
    """A usage record as the service stores it."""

    idempotency_key: str
    period_start: datetime
    period_end: datetime
    quantity: Decimal
    revision: int
    subscription: str | None = None
    metric: str | None = None
    source: str | None = None
    member: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    sequence: int | None = None
    voided: bool = False
    received_at: datetime | None = None
    history: tuple[Revision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PushError(Model):
    """Why a record was not accepted."""

    code: str
    detail: str
    errors: tuple[Mapping[str, Any], ...] = ()
    errors_total: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def fields(self) -> tuple[FieldError, ...]:
        """Return the fields that are wrong."""
        return tuple(
            FieldError(error["field"], error["code"], error["message"], error.get("stored")) for error in self.errors
        )


@dataclass(frozen=True, kw_only=True)
class PushResult(Model):
    """The result of one pushed record; `index` is its place among the pushed records."""

    index: int
    outcome: str
    idempotency_key: str | None = None
    revision: int | None = None
    error: PushError | None = None

    @property
    def accepted(self) -> bool:
        """Return whether the service has the record."""
        return self.outcome in ACCEPTED


@dataclass(frozen=True)
class PushResults:
    """The results of pushed records, in their order."""

    results: tuple[PushResult, ...]

    @property
    def rejected(self) -> tuple[PushResult, ...]:
        """Return the results of records that the service does not have."""
        return tuple(result for result in self.results if not result.accepted)

    @property
    def summary(self) -> dict[str, int]:
        """Return how many records had each outcome."""
        counts: dict[str, int] = {}
        for result in self.results:
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
        return counts


@dataclass(frozen=True, kw_only=True)
class VoidResult(Model):
    """The result of voiding a record: `voided`, or `unchanged` if it was voided before."""

    outcome: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class RecordInApp(Model):
    """A record that one side of a comparison lacks."""

    idempotency_key: str
    quantity: Decimal
    voided: bool = False


@dataclass(frozen=True, kw_only=True)
class RecordDifference(Model):
    """A record whose quantity differs between the service and the app."""

    idempotency_key: str
    in_service: Decimal
    in_app: Decimal


@dataclass(frozen=True, kw_only=True)
class Reconciliation(Model):
    """The comparison of an app's records with the stored ones."""

    missing_in_service: tuple[RecordInApp, ...] = ()
    missing_in_app: tuple[RecordInApp, ...] = ()
    differing: tuple[RecordDifference, ...] = ()
    equal: int = 0
    totals: Mapping[str, int] = field(default_factory=dict)
