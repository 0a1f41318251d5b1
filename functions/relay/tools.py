"""What a run of the relay works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from functions.relay.pace import Pace
from functions.relay.strays import Strays
from fusion_billing.lines.line import Mode
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.precision import Cached
from fusion_billing.store.billed_lines import BilledLines
from fusion_billing.store.circuit import Circuit
from fusion_billing.store.leases import Leases
from fusion_billing.webhooks.outbox import Tells


@dataclass(frozen=True)
class Tools:
    """What a run works with.

    `rerate` asks rating to look at a subscription again; `clock` tells the time, `pause` sleeps, `random`
    gives 0 to 1. `pace` and `delivered` (products whose delivered quantity is invoiced) outlive a run.
    """

    store: BilledLines
    leases: Leases
    circuit: Circuit
    odoo: Odoo
    precision: Cached
    events: Tells
    rerate: Callable[[str], None]
    lanes: int
    mode: Mode
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    random: Callable[[], float]
    remaining: Callable[[], float]
    """Seconds left of the run."""
    strays: Strays | None = None
    pace: Pace = field(default_factory=Pace)
    delivered: set[int] = field(default_factory=set)
