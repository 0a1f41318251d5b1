"""Retry a change that another request overtook."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType

from fusion_billing.errors import VersionConflict

_ATTEMPTS = 5


def attempts() -> Iterator[AbstractContextManager[object]]:
    """Yield contexts to read, decide and write in; each but the last swallows `VersionConflict`."""
    for number in range(_ATTEMPTS):
        yield _Attempt(last=number == _ATTEMPTS - 1)


class _Attempt(AbstractContextManager[object]):
    def __init__(self, *, last: bool) -> None:
        self._last = last

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return not self._last and isinstance(error, VersionConflict)
