"""What is kept of an invoiced period beside its ratings: what else prices it, and by what it was billed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.billing.rating_document import StoredPrice


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """An invoiced period as rating closed it.

    `prices` are the charges that applied in the period without having been rated in it, by code, each as a
    rating's document keeps what priced it: late usage is priced by them, and by nothing defined later.
    `unpriced` are codes of charges that could not be priced then, `ended` those of charges that no longer
    applied then, though they were rated ahead or before a pause: they price nothing of it.
    `fees` tells whether what is due without usage is due of them. `digest` is that of all that the period
    was last found to be billed by; `has_statement` tells that its statement is made.
    """

    start: datetime
    prices: Mapping[str, StoredPrice] = field(default_factory=dict)
    unpriced: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    fees: bool = True
    digest: str | None = None
    has_statement: bool = False
