"""Keep meters intact across `fork`.

SQLite forbids that a process uses, or even closes, a connection that its parent opened. So the connection is closed
before a fork, while no other thread can use it, and each side opens its own. A child writes a journal of its own.
"""

import os
import threading
import weakref
from typing import Protocol


class Forkable(Protocol):
    """What is notified before and after a fork."""

    def before_fork(self) -> None:
        """Take every lock, and close what must not be inherited."""

    def after_fork(self, *, is_child: bool) -> None:
        """Free the locks; in the child, let go of what belongs to the parent."""


no_fork = threading.Lock()
"""Whoever holds it keeps this process from forking: a child must not inherit a file lock that no one knows of."""

_known: "weakref.WeakSet[Forkable]" = weakref.WeakSet()
_forking: list[Forkable] = []


def watch(meter: Forkable) -> None:
    """Tell a meter about every fork from now on."""
    with no_fork:
        _known.add(meter)


def _before() -> None:
    no_fork.acquire()
    _forking[:] = list(_known)
    for meter in _forking:
        meter.before_fork()


def _after(*, is_child: bool) -> None:
    for meter in reversed(_forking):
        meter.after_fork(is_child=is_child)
    _forking.clear()
    no_fork.release()


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(is_child=False),
    after_in_child=lambda: _after(is_child=True),
)
