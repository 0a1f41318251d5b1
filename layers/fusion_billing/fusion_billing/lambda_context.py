"""Describe the context that Lambda passes to a handler, as far as handlers read it."""

from typing import Protocol


class LambdaContext(Protocol):
    """The context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before Lambda stops the invocation."""
