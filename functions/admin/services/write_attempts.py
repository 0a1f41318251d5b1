"""Retry a write that another writer overtook."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType

from fusion_billing.errors import VersionConflict
from fusion_billing.retry import VERSION_CONFLICTS


def attempts() -> Iterator[AbstractContextManager[object]]:
    """Yield contexts to read, decide and write in; each but the last swallows `VersionConflict`."""
    for attempt in VERSION_CONFLICTS.attempts():
        yield _Attempt(last=attempt.is_last)


class _Attempt(AbstractContextManager[object]):
    def __init__(self, *, last: bool) -> None:
        self._last = last

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return not self._last and isinstance(error, VersionConflict)
