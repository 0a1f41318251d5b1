"""The circuit before Odoo."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fusion_billing.dynamodb.state.circuit_breaker import FIRST_PAUSE, LONGEST_PAUSE, CircuitState


@dataclass
class FakeCircuit:
    """A circuit breaker in memory; it is open from its first failure until a success."""

    failure_count: int = 0
    open_until: datetime | None = None

    def acquire(self, now: datetime) -> CircuitState:
        if self.open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self.open_until else CircuitState.HALF_OPEN

    def failed(self, now: datetime, *, jitter: float) -> datetime:
        doubled: timedelta = FIRST_PAUSE * 2**self.failure_count
        until = now + min(doubled, LONGEST_PAUSE) * (1 + jitter / 2)
        if self.open_until is None or self.open_until <= now:
            self.open_until = until
            self.failure_count += 1
        return until

    def succeeded(self) -> None:
        self.failure_count, self.open_until = 0, None

    def failures(self) -> int:
        return self.failure_count
