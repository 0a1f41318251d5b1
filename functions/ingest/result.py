"""Results of usage records: the outcome of each, and the reason if it was not accepted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fusion_billing.access.principal import Principal
from fusion_billing.errors import Fault
from fusion_billing.metering.outcome import CONFLICT, INVALID, RECORD_CODES, UNAVAILABLE, conflicts
from fusion_billing.metering.usage_record import UsageRecord


@dataclass(slots=True, eq=False)
class Result:
    """The result of one usage record.

    Attributes:
        key: The idempotency key; None if it could not be read.
        outcome: The outcome, as `metering.outcome` names it.
        revision: The stored record's revision; None if unknown.
        code: The error code of a record that was not accepted.
        message: The reason, a sentence.
        faults: The faults found, at most as many as a response lists.
        faults_total: How many faults there are.
        details: Members of the error that belong to its code, such as `ended_at`.
    """

    key: str | None
    outcome: str
    revision: int | None = None
    code: str = ""
    message: str = ""
    faults: tuple[Fault, ...] = ()
    faults_total: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


def invalid(
    key: str | None, faults: tuple[Fault, ...], *, total: int = 0, details: Mapping[str, str] | None = None
) -> Result:
    """Return the result of a record that is not valid."""
    first, total = faults[0], total or len(faults)
    code = first.code if first.code in RECORD_CODES else "invalid"
    message = f"{first.field}: {first.message}" if first.field else first.message
    if total > 1:
        message += f" (the first of {total} faults)"
    return Result(key, INVALID, None, code, message, faults, total, details or {})


def conflict(principal: Principal, record: UsageRecord, stored_target: str, revision: int | None) -> Result:
    """Return the result of a record whose key is bound to another target."""
    faults = conflicts(stored_target, record) if _may_see(principal, record, stored_target) else _HIDDEN
    message = (
        "The idempotency key belongs to a record of another subscription, metric, window or properties: "
        f"{faults[0].field}, {faults[0].message}"
    )
    return Result(record.key, CONFLICT, revision, "conflict", message, faults, len(faults))


_HIDDEN = (Fault("idempotency_key", "conflict", "belongs to a record that the source may not use"),)
"""What is said of a conflict with a record that is beyond the limits of the key's source."""


def _may_see(principal: Principal, record: UsageRecord, stored_target: str) -> bool:
    """Return whether the key may see the target of the stored record; that of `record` it may use."""
    subscription, metric = stored_target.split("#", 2)[:2]
    if not principal.may_use_metric(metric):
        return False
    # Another subscription's plan is not known here.
    is_listed = principal.plans is None and subscription in (principal.subscriptions or ())
    return principal.sees_every_subscription or subscription == record.subscription or is_listed


def unavailable(key: str | None) -> Result:
    """Return the result of a record that could not be stored in time."""
    return Result(key, UNAVAILABLE, None, "unavailable", "The record was not stored. Send it again")
