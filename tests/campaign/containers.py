"""Containers of functions: each keeps in memory what it cached, as Lambda's do between invocations."""

import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from fusion_billing.messaging.hops import Hops
from tests.campaign.director import Container, Director


class Containers:
    """The idle containers of each function. An invocation takes the newest one, or begins in a new one."""

    def __init__(self) -> None:
        self._idle: dict[str, list[Container]] = {}
        self.next_skew: list[Any] = []
        """How far the clocks of the next new containers are off."""
        self.oldest_first = 0
        """How many invocations get the container that was idle the longest."""

    def take(self, function: str) -> Container:
        """Return a container for an invocation."""
        idle = self._idle.setdefault(function, [])
        if not idle:
            made = Container(function)
            if self.next_skew:
                made.skew = self.next_skew.pop(0)
            return made
        if self.oldest_first and len(idle) > 1:
            self.oldest_first -= 1
            return idle.pop(0)
        return idle.pop()

    def give_back(self, container: Container) -> None:
        """Keep a container for the next invocation of its function."""
        self._idle[container.function].append(container)

    def discard_all(self) -> None:
        """Have every function begin in new containers."""
        self._idle.clear()

    def idle(self, function: str) -> int:
        """Return how many containers of a function are idle."""
        return len(self._idle.get(function, ()))


class PerContainer:
    """What `functools.cache` is to one process: remembers by container."""

    def __init__(self, function: Callable[..., Any], director: Director) -> None:
        self._function = function
        self._director = director

    def __call__(self, *arguments: Any) -> Any:
        """Return what the running container remembers, or make it."""
        frame = self._director.frame
        if frame is None:
            return self._function(*arguments)
        memory, key = frame.container.memory, (self._function, arguments)
        if key not in memory:
            memory[key] = self._function(*arguments)
        return memory[key]

    def cache_clear(self) -> None:
        """Do nothing: a new container begins with nothing."""


class PositionPerContainer:
    """The position of `fusion_billing.messaging.hops` in the running container: one process has all functions here."""

    def __init__(self, director: Director) -> None:
        self._director = director

    def __get__(self, hops: object, owner: type) -> int:
        """Return the container's position; a chain begins in a new one."""
        frame = self._director.frame
        position: int = 0 if frame is None else frame.container.memory.get(PositionPerContainer, 0)
        return position

    def __set__(self, hops: object, position: int) -> None:
        """Remember the container's position."""
        if self._director.frame is not None:
            self._director.frame.container.memory[PositionPerContainer] = position


def patches(director: Director) -> Iterator[Any]:
    """Yield the patches that make the caches of `functions` those of containers, and the position of messages too."""
    yield patch.object(Hops, "_current", PositionPerContainer(director), create=True)
    for name, module in list(sys.modules.items()):
        if not name.startswith("functions."):
            continue
        for attribute, value in list(vars(module).items()):
            if hasattr(value, "cache_clear") and hasattr(value, "__wrapped__"):
                yield patch.object(module, attribute, PerContainer(value.__wrapped__, director))
