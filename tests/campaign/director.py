"""The director sees every call of every process to the outside, lets time pass, and has armed faults happen."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from tests.lives.killing import Killed
from tests.lives.service import Clock
from tests.memory_dynamodb import Hooks

WRITES = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "BatchExecuteStatement"}
)
HTTP = frozenset({"Odoo", "Deliver"})
SENDS = frozenset({"SendMessage", "SendMessageBatch"})
_CALL_SECONDS = {"Odoo": 0.05, "Deliver": 0.05}
_AWS_SECONDS = 0.004


@dataclass
class Container:
    """A container of a function: what it remembers between invocations, and how far its clock is off."""

    function: str
    memory: dict[Any, Any] = field(default_factory=dict)
    skew: timedelta = timedelta(0)


@dataclass
class Frame:
    """A running invocation. `quiet` ones are the campaign's own looks at the service: no fault meets them."""

    container: Container
    started: datetime
    limit: float
    quiet: bool = False
    calls: int = 0
    http_calls: int = 0
    is_dead: bool = False
    is_disturbed: bool = False
    """Whether a fault happened to it, which excuses that it fails."""

    @property
    def function(self) -> str:
        """Return the function's name."""
        return self.container.function


@dataclass(frozen=True, slots=True)
class Call:
    """A call to the outside by the invocation of `frame`."""

    operation: str
    request: Mapping[str, Any]
    frame: Frame

    @property
    def writes(self) -> bool:
        """Return whether it is a write of DynamoDB."""
        return self.operation in WRITES

    @property
    def reads(self) -> bool:
        """Return whether it is a read of DynamoDB."""
        return not self.writes and self.operation not in HTTP and self.operation not in SENDS

    @property
    def is_dynamodb(self) -> bool:
        """Return whether it goes to DynamoDB."""
        return self.operation not in HTTP and self.operation not in SENDS


class Armed(Protocol):
    """A fault that waits for its call; `tests.campaign.faults.base.Fault` does nothing on each of these."""

    def before(self, call: Call) -> None:
        """See a call that is about to be made; raising fails it."""

    def after(self, call: Call) -> None:
        """See a call that took effect; raising loses its response."""

    def instead(self, call: Call) -> Any:
        """Return a response to give instead of making the call, or None."""

    def left_over(self, call: Call, count: int) -> int:
        """Return how many of a batch's parts are left unprocessed."""


class Director(Hooks):
    """Counts calls by invocation, and passes each to the armed faults."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.armed: list[Armed] = []
        self.frames: list[Frame] = []
        self.effects = 0
        """Calls that changed something: writes of data, of Odoo, and deliveries. Idle schedules make none."""
        self.state_table = ""

    @property
    def frame(self) -> Frame | None:
        """Return the invocation that runs, the innermost one."""
        return self.frames[-1] if self.frames else None

    @contextmanager
    def running(self, frame: Frame) -> Iterator[None]:
        """Run an invocation, within another one where there is one."""
        self.frames.append(frame)
        try:
            yield
        finally:
            self.frames.pop()

    def die(self) -> None:
        """Kill the running invocation: it makes no further call."""
        frame = self.frames[-1]
        frame.is_dead = frame.is_disturbed = True
        raise Killed

    def before_call(self, operation: str, request: Mapping[str, Any]) -> None:
        """Count a call, let time pass, end an invocation that is out of time, and pass it to the faults."""
        frame = self.frame
        if frame is None:
            return
        if frame.is_dead:
            raise Killed
        frame.calls += 1
        frame.http_calls += operation in HTTP
        if frame.quiet:
            return
        self.clock.sleep(_CALL_SECONDS.get(operation, _AWS_SECONDS))
        if (self.clock.now - frame.started).total_seconds() > frame.limit:
            self.die()  # Lambda's time-out
        call = Call(operation, request, frame)
        for fault in list(self.armed):
            fault.before(call)

    def after_call(self, operation: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Pass a call that took effect to the faults."""
        frame = self.frame
        if frame is None or frame.quiet:
            return
        self.effects += self._is_effect(operation, request)
        call = Call(operation, request, frame)
        for fault in list(self.armed):
            fault.after(call)

    def instead(self, operation: str, request: Mapping[str, Any]) -> Any:
        """Return the response that a fault gives instead of the call's own."""
        frame = self.frame
        if frame is None or frame.quiet:
            return None
        call = Call(operation, request, frame)
        for fault in list(self.armed):
            response = fault.instead(call)
            if response is not None:
                return response
        return None

    def left_over(self, operation: str, count: int) -> int:
        """Return how many parts of a batch the faults leave unprocessed."""
        frame = self.frame
        if frame is None or frame.quiet:
            return 0
        call = Call(operation, {}, frame)
        return max((fault.left_over(call, count) for fault in list(self.armed)), default=0)

    def _is_effect(self, operation: str, request: Mapping[str, Any]) -> bool:
        if operation == "Odoo":
            return request.get("method") in ("load", "write", "create", "unlink")
        if operation == "Deliver":
            return True
        return operation in WRITES and request.get("TableName") != self.state_table


def seeded(seed: str) -> random.Random:
    """Make what is random in the product the same for every play, and return a generator for the campaign."""
    random.seed(f"product {seed}")
    return random.Random(f"campaign {seed}")
