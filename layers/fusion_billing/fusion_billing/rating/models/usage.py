"""The usage that a charge model prices."""

from collections.abc import Sequence
from typing import NamedTuple

from fusion_billing.rating.exact import ONE, Exact


class Usage(NamedTuple):
    """Quantities in the unit that is priced, from the start of the period.

    `billable` is what of the units is past the included ones. `portions` are the records' own quantities
    in order, less what of them was included; only models that price each record get them.

    Where the price changes within a period, only what came after `before` is priced: tiers, packages and
    free records go on from there, and what is due once is due already. `total` is what the whole period comes
    to (None: nothing comes after), which a volume's tier goes by. `fee_share` is how much of a tier's flat
    amount is due, and `fee_words` why, if that is not all.
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
