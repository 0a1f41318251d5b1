"""The results of writing usage records."""

from dataclasses import dataclass

from fusion_billing.metering.outcome import CONFLICT, UNCHANGED, UPDATED, Stored, decide, sequence_is_newer
from fusion_billing.metering.usage_record import UsageRecord


@dataclass(slots=True, eq=False)
class WriteResult:
    """The outcome of a usage record.

    Attributes:
        revision: The revision of the stored record; None if it is unknown.
        stored_target: For a conflict, the target that the key is stored with.
    """

    outcome: str
    revision: int | None = None
    stored_target: str = ""


def result_without_write(stored: Stored, record: UsageRecord) -> WriteResult | None:
    """Return the result of a record that needs no write, or None if it has to be written."""
    outcome = decide(stored, record)
    if outcome == UPDATED or (outcome == UNCHANGED and sequence_is_newer(stored, record)):
        return None
    return WriteResult(outcome, stored.revision, stored.target if outcome == CONFLICT else "")
