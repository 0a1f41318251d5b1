"""The usage that a charge model prices."""

from collections.abc import Sequence
from typing import NamedTuple

from fusion_billing.rating.exact import ONE, Exact


class Usage(NamedTuple):
    """Units from the start of the period.

    Attributes:
        billable: The units beyond the included ones.
        portions: The units of each record, in order, without the included ones; for models that price each record.
        before: The usage before the last price change in the period. Only later usage is priced: tiers, packages and
            free records continue, and amounts that are due once are due already.
        total: The billable units of the whole period, which select the tier of a volume; None in the last part.
        fee_share: The share of a tier's flat amount that is due.
        fee_words: Why it is not the full amount; empty if it is.
    """

    billable: Exact
    portions: Sequence[Exact] = ()
    before: "Usage | None" = None
    total: Exact | None = None
    fee_share: Exact = ONE
    fee_words: str = ""

    @property
    def own(self) -> Exact:
        """The units to price: those that came after `before`."""
        return self.billable if self.before is None else self.billable - self.before.billable
