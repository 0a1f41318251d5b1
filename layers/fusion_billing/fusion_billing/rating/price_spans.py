"""Which price is in force when within a billing period: what the engine rates by."""

from dataclasses import dataclass
from datetime import datetime

from fusion_billing.definitions.charge import Charge


@dataclass(frozen=True, slots=True)
class PriceSpan:
    """The part `[start, end)` of a billing period (aware UTC) that one version of a charge prices.

    `charge` is that version, a subscription's overrides laid over it; None where the charge does not apply
    (another plan is in force, or no version is valid yet): usage in that part is not the charge's.
    """

    start: datetime
    end: datetime
    charge: Charge | None
