"""What a part of a journal adds to the ledger."""

from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Final

from fusion_billing_client.meter.identity import Identity

EXACT: Final = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow])
"""Arithmetic that never rounds."""


@dataclass
class Changes:
    """What a part of a journal adds: sums of counts, gauges with their times, and members."""

    counts: dict[Identity, Decimal] = field(default_factory=dict)
    gauges: dict[Identity, tuple[Decimal, float]] = field(default_factory=dict)
    members: set[Identity] = field(default_factory=set)
    unreadable: list[bytes] = field(default_factory=list)

    def add_count(self, identity: Identity, quantity: Decimal) -> None:
        """Add to a count."""
        known = self.counts.get(identity)
        self.counts[identity] = quantity if known is None else EXACT.add(known, quantity)

    def add_gauge(self, identity: Identity, value: Decimal, at: float) -> None:
        """Take the value of a gauge, if it stands over the one before."""
        known = self.gauges.get(identity)
        if known is None or stands(identity.kind, known, (value, at)):
            self.gauges[identity] = (value, at)


def stands(kind: str, old: tuple[Decimal, float], new: tuple[Decimal, float]) -> bool:
    """Return whether the new value of a gauge replaces the old one."""
    if kind == "max":
        return new[0] > old[0]
    if kind == "min":
        return new[0] < old[0]
    return new[1] >= old[1]
