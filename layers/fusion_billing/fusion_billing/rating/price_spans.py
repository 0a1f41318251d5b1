"""Price spans: which price is in force when within a billing period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fusion_billing.catalog.charge import Charge
from fusion_billing.rating.versions import in_force


@dataclass(frozen=True, slots=True)
class PriceSpan:
    """The part `[start, end)` of a billing period (aware UTC) that one version of a charge prices.

    `charge` is that version, a subscription's overrides laid over it; None where the charge does not apply
    (another plan is in force, or no version is valid yet): usage in that part is not the charge's.
    """

    start: datetime
    end: datetime
    charge: Charge | None


def of_versions(versions: Sequence[Charge], start: datetime, end: datetime) -> list[PriceSpan]:
    """Return the spans of `[start, end)` by version; before the first one the charge does not apply.

    Empty if all versions are valid from later.
    """
    parts = in_force(versions, start, end)
    if not parts:
        return []
    ends = [part.since for part in parts[1:]] + [end]
    spans = [PriceSpan(part.since, until, part.version) for part, until in zip(parts, ends, strict=True)]
    if spans[0].start > start:
        spans.insert(0, PriceSpan(start, spans[0].start, None))
    return spans
