"""The relay's sending of order lines on fakes: an Odoo, and ratings that are due."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from functions.relay.line_dependencies import RelayDependencies
from functions.relay.line_relay import LineRelay
from functions.relay.line_results import RunStatistics
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.odoo.precision import Cached
from tests.fakes.circuit import FakeCircuit
from tests.fakes.clock import FakeClock
from tests.fakes.guarded_lines import FakeGuardedLines
from tests.fakes.leases import FakeLeases
from tests.fakes.odoo import FakeOdoo
from tests.fakes.outbox import FakeOutbox
from tests.rating_documents import document_json

PERIOD_START = datetime(2026, 11, 1, tzinfo=UTC)
PARTITION = "LANE#00"


@dataclass
class RelayWorld:
    """The relay's line runs on fakes, at `clock.now`, with one partition.

    Args:
        seconds_left: What a run has left.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    lines: FakeGuardedLines = field(default_factory=FakeGuardedLines)
    leases: FakeLeases = field(default_factory=FakeLeases)
    circuit: FakeCircuit = field(default_factory=FakeCircuit)
    outbox: FakeOutbox = field(default_factory=lambda: FakeOutbox(has_listeners=True))
    rerated: list[str] = field(default_factory=list)
    seconds_left: float = 300.0

    def __post_init__(self) -> None:
        self.odoo = FakeOdoo(self.clock)

    def relay(self) -> LineRelay:
        return LineRelay(
            RelayDependencies(
                store=self.lines,
                leases=self.leases,
                circuit=self.circuit,
                odoo=self.odoo.client,
                precision=Cached(self.clock.monotonic),
                events=self.outbox,
                rerate=self.rerated.append,
                line_partitions=1,
                clock=self.clock,
                pause=self.clock.sleep,
                random=lambda: 0.0,
                remaining=lambda: self.seconds_left,
            )
        )

    def run(self) -> RunStatistics:
        return self.relay().run()

    def later(self, **delta: float) -> None:
        """Let time pass."""
        self.clock.sleep(timedelta(**delta).total_seconds())

    def rate(
        self,
        order: int = 42,
        amount: str = "1.00",
        charge: str = "api_calls",
        fields: Mapping[str, object] | None = None,
    ) -> RatingKey:
        """Store the next version of a rating, 250 units at 0.004 by default, and make its line due."""
        key = RatingKey("42", PERIOD_START, charge)
        steps = [{"description": "", "units": "250", "unit_amount": "0.004", "amount": "1"}]
        changes = {"charge": charge, "odoo_order_id": order, "amount": amount}
        document = document_json(**changes, steps=steps if amount == "1.00" else []) | dict(fields or {})
        self.lines.put(key, json.dumps(document), amount, 0, self.clock.now)
        return key

    def line(self) -> StoredLine:
        """Return the one line there is."""
        [line] = self.lines.items.values()
        return line
