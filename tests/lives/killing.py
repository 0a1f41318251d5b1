"""Processes that die: at their n-th call, before or after it took effect, and then they call no more."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.memory_dynamodb import Hooks


class Killed(BaseException):
    """The process is gone; nothing of the product's may catch this."""


@dataclass(frozen=True, slots=True)
class Kill:
    """When a process dies: at its `call`-th call (from 1), `after` it took effect or before."""

    call: int
    after: bool


class Killer(Hooks):
    """Counts the calls of the process that runs, and kills it where it was told to."""

    def __init__(self) -> None:
        self._kill: Kill | None = None
        self._calls = 0
        self._dead = False

    @contextmanager
    def process(self, kill: Kill | None) -> Iterator[None]:
        """Run a process; raises `Killed` out of it where it is told to die before its end."""
        self._kill, self._calls, self._dead = kill, 0, False
        try:
            yield
        finally:
            self._kill, self._dead = None, False

    def before_call(self, operation: str, request: Mapping[str, Any]) -> None:
        """Count a call, and kill the process where its time has come."""
        if self._dead:
            raise Killed
        self._calls += 1
        self._die(after=False)

    def after_call(self, operation: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Kill the process where it dies of this call's answer."""
        self._die(after=True)

    def _die(self, *, after: bool) -> None:
        kill = self._kill
        if kill is not None and kill.after == after and kill.call == self._calls:
            self._dead = True
            raise Killed
