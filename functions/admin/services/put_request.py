"""Requests to change a definition: the author, the confirmed effects, the reason, and whether it is a dry run."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fusion_billing.access.principal import Principal
from fusion_billing.audit.recorder import Record, unrecorded
from fusion_billing.catalog.change import Author, Change
from fusion_billing.catalog.identifiers import MAX_REASON
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.errors import Conflict, Fault, Refused
from fusion_billing.webhooks.publishing import TransactionWrite

EFFECTS = ("aggregation", "rounding", "metric", "currency")
"""Values of `confirm`: changes of what open periods are rated as."""


@dataclass(frozen=True, slots=True)
class PutRequest:
    """One request to change a definition; `now` is when it was made."""

    principal: Principal
    now: datetime
    dry_run: bool = False
    confirmed: frozenset[str] = frozenset()
    reason: str | None = None
    record: Record = unrecorded

    def author(
        self, record: Callable[[StoredSubscription | None, StoredSubscription], Sequence[TransactionWrite]]
    ) -> Author:
        """Return who changes a subscription, the reason, and how the change is recorded."""
        return Author(self.principal.actor, self.reason, record)

    def change(
        self, cause: str, object_: str, before: Mapping[str, object] | None, after: Mapping[str, object] | None
    ) -> Change:
        """Return the entry of a definition's history, with that of the audit log: what `object_` was and becomes."""
        also = self.record(object_, before, after)
        return Author(self.principal.actor, self.reason).change(self.now, cause, also)

    def check_confirmed(self, effects: Collection[str], what: str) -> None:
        """Raise `Conflict` (`confirmation_required`) unless every effect is confirmed; `what` says whose."""
        missing = sorted(set(effects) - self.confirmed)
        if missing and not self.dry_run:
            names = ",".join(missing)
            raise Conflict(
                f"{what}: this changes what open periods are rated as. "
                f"Preview it with ?dry_run=true, then confirm it with ?confirm={names}",
                code="confirmation_required",
            )


def put_request(
    principal: Principal, query: Mapping[str, str], now: datetime, record: Record = unrecorded
) -> PutRequest:
    """Return the request that a query describes; raises `Refused` (`invalid_parameter`)."""
    faults = []
    dry_run = query.get("dry_run", "false")
    if dry_run not in {"true", "false"}:
        faults.append(Fault("dry_run", "invalid_parameter", "must be true or false"))
    confirmed = frozenset(query["confirm"].split(",")) if query.get("confirm") else frozenset[str]()
    if confirmed - set(EFFECTS):
        faults.append(Fault("confirm", "invalid_parameter", f"must be one or more of {', '.join(EFFECTS)}"))
    reason = query.get("reason") or None
    if reason is not None and (len(reason) > MAX_REASON or not _is_text(reason)):
        faults.append(Fault("reason", "invalid_parameter", f"must be text of at most {MAX_REASON} characters"))
    if faults:
        raise Refused(faults, code="invalid_parameter")
    return PutRequest(principal, now, dry_run == "true", confirmed, reason, record)


def in_words(fields: Iterable[str]) -> str:
    """Return the cause of a change of these fields: `changed aggregation, name`."""
    return f"changed {', '.join(fields)}"


def _is_text(text: str) -> bool:
    return text.isprintable()
