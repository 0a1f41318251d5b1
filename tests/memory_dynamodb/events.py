"""The part of `client.meta` that the stores use: handlers that read an answer before botocore does.

Handlers of other events are kept and never called: what is in memory makes no request that they could change or send.
"""

from collections.abc import Callable
from typing import Any

Handler = Callable[..., Any]


class Events:
    """Handlers by the event's name."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}

    def register(self, name: str, handler: Handler) -> None:
        """Have a handler called at an event."""
        self._handlers.setdefault(name, []).append(handler)

    register_last = register

    def handlers(self, name: str) -> list[Handler]:
        """Return the handlers of an event."""
        return self._handlers.get(name, [])


class Meta:
    """What `client.meta` holds."""

    region_name = "eu-central-1"

    def __init__(self) -> None:
        self.events = Events()
