"""What a test may do to every call: see it, refuse it, lose its answer, have a batch done in part."""

from collections.abc import Mapping
from typing import Any


class Hooks:
    """Does nothing; a test's own overrides what it needs.

    `operation` is the API's name, such as `UpdateItem` or `SendMessageBatch`; `request` holds the arguments.
    An exception raised by `before_call` leaves the tables as they are (throttled, killed); one raised by
    `after_call` comes after the call took effect (an answer lost).
    """

    def before_call(self, operation: str, request: Mapping[str, Any]) -> None:
        """Be told of a call that is about to be carried out."""

    def after_call(self, operation: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Be told of a call that was carried out, and what it will answer."""

    def instead(self, operation: str, request: Mapping[str, Any]) -> Any:
        """Return a response to give instead of carrying the call out (an index that lags); None carries it out."""
        return None

    def left_over(self, operation: str, count: int) -> int:
        """Return how many of a batch's `count` parts, the last ones, are left unprocessed."""
        return 0
