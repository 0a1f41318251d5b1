"""Make the entries that one request adds to the audit log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Protocol

from fusion_billing.audit.entry import Actor, Document, Entry, Stage, differing, entry_id, safe, safe_text
from fusion_billing.webhooks.identifiers import RANDOM_BYTES
from fusion_billing.webhooks.publishing import TransactionWrite

Record = Callable[[str, Mapping[str, object] | None, Mapping[str, object] | None], Sequence[TransactionWrite]]
"""Returns the entry of a change of an object, for its transaction: what it was, and what it becomes."""


def unrecorded(
    _object: str, _before: Mapping[str, object] | None, _after: Mapping[str, object] | None
) -> Sequence[TransactionWrite]:
    """Return no entry: what `Record` is where there is no audit log."""
    return ()


class AuditLog(Protocol):
    """Stores entries (`dynamodb.audit.audit_log.AuditLog`)."""

    def write(self, entry: Entry) -> TransactionWrite:
        """Return the write of an entry, for the transaction of its change."""

    def put(self, entry: Entry) -> None:
        """Write an entry by itself; raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes entries of one request.

    Attributes:
        log: Returns the log; it is called when the first entry is made.
        actor: Who sent the request.
        action: The operation in the OpenAPI document.
        now: When the request came.
        reason: What the request gives as its reason.
    """

    log: Callable[[], AuditLog]
    actor: Actor
    action: str
    now: datetime
    reason: str | None = None
    random: Callable[[int], bytes] = token_bytes

    def change(
        self, object_: str, before: Mapping[str, object] | None, after: Mapping[str, object] | None
    ) -> list[TransactionWrite]:
        """Return the entry of a change, for its transaction; None is an object that does not exist."""
        was, is_now = differing(before, after)
        return [self.log().write(self._entry(object_, "done", was, is_now))]

    def note(self, object_: str, stage: Stage, request: Document | None = None, error: str | None = None) -> None:
        """Write an entry about a change that is no transaction; raises `Unavailable`."""
        self.log().put(self._entry(object_, stage, None, request, error))

    def _random(self, stage: Stage) -> bytes:
        """Return random bytes that sort what is requested before what became of it, since both have one time."""
        first, *others = self.random(RANDOM_BYTES)
        return bytes([first & 0x7F if stage == "requested" else first | 0x80, *others])

    def _entry(
        self,
        object_: str,
        stage: Stage,
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
        error: str | None = None,
    ) -> Entry:
        return Entry(
            id=entry_id(self.now, self._random(stage)),
            at=self.now,
            actor=self.actor,
            action=self.action,
            object_=safe_text(object_) or "",
            stage=stage,
            before=safe(before),
            after=safe(after),
            reason=safe_text(self.reason),
            error=error,
        )
