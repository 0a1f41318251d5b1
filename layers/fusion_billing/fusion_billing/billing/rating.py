"""Ratings: their key, their document, and the state of a stored one."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from fusion_billing.billing.large_documents import INLINE_BYTES, canonical, join, split, to_parts
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.decimals import ZERO
from fusion_billing.instants import rfc3339

_WIDEST = 4  # bytes of a character

Cause = Literal["usage", "definition", "subscription", "run", "invoice"]
"""What caused a version of a rating."""

HISTORY = 50
"""How many versions a rating's history holds."""


@dataclass(frozen=True, slots=True)
class RatingKey:
    """The key of a rating: a charge in one billing period of a subscription.

    `corrects` is the start of the invoiced period that an adjustment corrects; it is billed in the period that
    starts at `period_start`.
    """

    subscription: str
    period_start: datetime
    charge: str
    corrects: datetime | None = None

    @property
    def name(self) -> str:
        """Return `<charge>`, or `<charge>@<start of the period it corrects>` for an adjustment."""
        return self.charge if self.corrects is None else f"{self.charge}@{rfc3339(self.corrects)}"

    @property
    def line(self) -> str:
        """Return the public ID of its order line."""
        name = self.charge if self.corrects is None else f"{self.charge}@{_compact(self.corrects)}"
        return f"{self.subscription}~{_compact(self.period_start)}~{name}"


@dataclass(frozen=True, slots=True)
class Line:
    """The state of a rating's order line: `waiting`, `due`, `sent`, `failed`, or none yet (`state` None).

    `amount` is what Odoo acknowledged for `version`, `billed` what its invoices hold of the line; `id` is the
    `sale.order.line`'s. `has_intent` is true while the result of a call is unknown.
    """

    state: str | None = None
    version: int | None = None
    amount: Decimal | None = None
    id: int | None = None
    error: str | None = None
    attempt_count: int = 0
    at: datetime | None = None
    """When a due order line is to be sent."""
    billed: Decimal | None = None
    by_order_line: bool = False
    """Whether the billed amount, or a part of it, was read from the order line, since no invoice could be read."""
    has_intent: bool = False
    is_on_rating: bool = False
    """Whether it is stored with the rating, not with the other lines of the period."""
    is_behind: bool = False
    """Whether the rating has a version that the line does not know: the worker that wrote it was stopped."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One version in a rating's history; amounts and units are decimals as text.

    `cause` is None for a version of a release that did not note it.
    """

    version: int
    units: str
    amount: str
    at: str
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class StoredRating:
    """A stored rating."""

    key: RatingKey
    version: int
    amount: Decimal
    digest: str
    document_json: str
    history: Sequence[HistoryEntry] = ()
    frozen: bool = False
    raised: frozenset[str] = frozenset()
    line: Line = field(default_factory=Line)
    parts: str | None = None
    """The name under which the document's large fields are stored; None if it has none."""
    is_listed: bool = True
    """Whether it is found by the end of its period; a rating of an earlier release is not, until it is written."""

    @property
    def document(self) -> RatingDocument:
        """Return the document without its large fields, parsed anew; raises `UnreadableDocument`."""
        return RatingDocument.from_json(json.loads(self.document_json))

    def document_with(self, large_fields: Mapping[str, object]) -> RatingDocument:
        """Return the whole document; raises `UnreadableDocument`.

        `large_fields` are the fields stored apart, as `large_documents.from_parts` returns them.
        """
        return RatingDocument.from_json(join(json.loads(self.document_json), large_fields))

    @property
    def billed(self) -> Decimal:
        """Return the billed amount: what Odoo's invoices hold, or until they are read, what Odoo acknowledged.

        It is 0 if the order line was never in Odoo.
        """
        if self.line.billed is not None:
            return self.line.billed
        return self.line.amount if self.line.amount is not None else ZERO

    @property
    def unresolved(self) -> bool:
        """Return whether the result of a call to Odoo is unknown, and with it the billed amount."""
        return self.line.has_intent


@dataclass(frozen=True, slots=True)
class ComputedRating:
    """A rating just computed, to be compared with the stored one.

    Attributes:
        document_json: `document` as it is stored, without its large fields.
        digest: Of the whole document.
        thresholds: The names of all thresholds that its units and amount have reached.
        parts: The large fields as they are stored apart.
    """

    key: RatingKey
    document: RatingDocument
    document_json: str
    digest: str
    thresholds: frozenset[str] = frozenset()
    parts: Sequence[bytes] = ()
    cause: Cause | None = None

    @property
    def amount(self) -> Decimal:
        """Return the amount."""
        return Decimal(self.document.amount)


def computed_rating(
    key: RatingKey,
    document: RatingDocument,
    thresholds: frozenset[str] = frozenset(),
    cause: Cause | None = None,
) -> ComputedRating:
    """Return the rating in `document`, ready to be stored."""
    json_object = document.to_json()
    whole = canonical(json_object)
    digest = hashlib.sha256(whole.encode("utf-8")).hexdigest()
    if len(whole) <= INLINE_BYTES // _WIDEST:
        return ComputedRating(key, document, whole, digest, thresholds, (), cause)
    small, large = split(json_object)
    return ComputedRating(
        key, document, canonical(small) if large else whole, digest, thresholds, to_parts(large), cause
    )


def _compact(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ").zfill(16)
