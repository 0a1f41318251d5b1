"""What a charge model is given to price."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fusion_billing.rating.rated import Step


@dataclass(frozen=True, slots=True)
class Usage:
    """Quantities in the unit that is priced.

    `billable` is what of the units is past the included ones. `portions` are the records' own quantities
    in order, less what of them was included; only models that price each record get them.
    """

    billable: Decimal
    portions: Sequence[Decimal] = ()


Price = Callable[[Any, Usage], list[Step]]
