"""The time of a test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that stands still until a test, or a fake's `sleep`, moves it on."""

    now: datetime = START
    monotonic_seconds: float = 0.0

    def __call__(self) -> datetime:
        """Return the present instant."""
        return self.now

    def monotonic(self) -> float:
        """Return the seconds of a monotonic clock."""
        return self.monotonic_seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.monotonic_seconds += seconds
        self.now += timedelta(seconds=seconds)
