"""Closed periods: the prices of an invoiced period's charges without a rating, and a digest of its inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.billing.stored_price import StoredPrice


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """An invoiced period, as it was when it was closed.

    Attributes:
        start: The period's start.
        prices: By charge, what prices charges that applied in the period without being rated in it. Late usage is
            priced by these, and by nothing defined later.
        unpriced: Charges that could not be priced when the period was closed.
        ended: Charges that no longer applied then, though they were rated ahead or before a pause: they price
            nothing in the period.
        fees: Whether charges without usage are due.
        digest: Of all inputs by which the period was last found fully billed.
        has_statement: Whether its statement was made.
    """

    start: datetime
    prices: Mapping[str, StoredPrice] = field(default_factory=dict)
    unpriced: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    fees: bool = True
    digest: str | None = None
    has_statement: bool = False
