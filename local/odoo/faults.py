"""Things that go wrong on request: the next calls, of some model or method, fail or dawdle."""

import threading
from dataclasses import asdict, dataclass
from typing import Any

KINDS = {
    "serialization": "500 psycopg2.errors.SerializationFailure; nothing is carried out",
    "load_serialization": "load responds 200 with ids false and the serialization message",
    "status": "an HTTP status of a proxy (429, 502, 503, 504 …) with an HTML body; nothing is carried out",
    "slow": "the response comes `delay` seconds later",
    "lost": "the call is carried out, the connection closes before the response",
    "reset": "the connection closes, nothing is carried out",
}


class GatewayAnswer(Exception):
    """A proxy in front of Odoo responds instead of it."""

    def __init__(self, status: int, retry_after: int | None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


class Hangup(Exception):
    """The connection closes without a response."""


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` calls that match, after `skip` matching ones went well.

    `model` and `method` are exact names; None matches every one. `delay` is in seconds.
    """

    kind: str
    times: int = 1
    model: str | None = None
    method: str | None = None
    skip: int = 0
    delay: float = 0.0
    status: int = 503
    retry_after: int | None = None

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; there are: {', '.join(KINDS)}")


class Faults:
    """The faults waiting for their calls; the first that matches is used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Have a fault wait for its calls."""
        with self._lock:
            self._waiting.append(fault)

    def take(self, model: str, method: str) -> Fault | None:
        """Return the fault this call meets, if any."""
        with self._lock:
            for fault in self._waiting:
                if fault.model not in (None, model) or fault.method not in (None, method):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that have not run out."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._waiting.clear()
