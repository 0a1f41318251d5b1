"""What a run of the relay works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from functions.relay.batch_size import Pace
from functions.relay.former_partitions import Strays
from fusion_billing.application.outbox import Tells
from fusion_billing.dynamodb.ratings.billed_lines import BilledLines
from fusion_billing.dynamodb.state.circuit_breaker import CircuitBreaker
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.precision import Cached


@dataclass(frozen=True)
class Tools:
    """What a run works with.

    `rerate` asks rating to look at a subscription again; `clock` tells the time, `pause` sleeps, `random`
    gives 0 to 1. `pace` and `delivered` (products whose delivered quantity is invoiced) outlive a run.
    """

    store: BilledLines
    leases: Leases
    circuit: CircuitBreaker
    odoo: Odoo
    precision: Cached
    events: Tells
    rerate: Callable[[str], None]
    line_partitions: int
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    random: Callable[[], float]
    remaining: Callable[[], float]
    """Seconds left of the run."""
    strays: Strays | None = None
    pace: Pace = field(default_factory=Pace)
    delivered: set[int] = field(default_factory=set)
