"""The dependencies of a relay run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from functions.relay.batch_size import Pace
from functions.relay.ports import BilledLines, Circuit, PartitionLeases
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.precision import Cached
from fusion_billing.webhooks.publishing import EventPublisher


@dataclass(frozen=True)
class RelayDependencies:
    """The dependencies of a relay run.

    `rerate` requests that a subscription is rated again; `clock` returns the time, `pause` sleeps, `random`
    returns a number in [0, 1). `pace` and `delivered` (products whose delivered quantity is invoiced) outlive a
    run.
    """

    store: BilledLines
    leases: PartitionLeases
    circuit: Circuit
    odoo: Odoo
    precision: Cached
    events: EventPublisher
    rerate: Callable[[str], None]
    line_partitions: int
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    random: Callable[[], float]
    remaining: Callable[[], float]
    """Returns the seconds that are left of the run."""
    pace: Pace = field(default_factory=Pace)
    delivered: set[int] = field(default_factory=set)
