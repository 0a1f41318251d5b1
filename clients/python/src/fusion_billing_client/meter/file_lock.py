"""A lock that one process holds at a time."""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fusion_billing_client.meter.forks import no_fork

_PAUSE: Final = 0.02


class FileLock:
    """A lock on a file; the system frees it if the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_lock = threading.Lock()
        self._fd = -1

    @contextlib.contextmanager
    def held(self, *, wait: bool) -> Iterator[bool]:
        """Hold the lock; yields False if another holds it and `wait` is false."""
        if not self._thread_lock.acquire(blocking=wait):
            yield False
            return
        process = os.getpid()
        try:
            while not (is_held := self._lock()) and wait:
                time.sleep(_PAUSE)
            yield is_held
        finally:
            if process == os.getpid():  # else this is a child, which has let go of it
                self._unlock()
                self._thread_lock.release()

    def _lock(self) -> bool:
        """Open and lock the file in one step, as a fork sees it."""
        with no_fork:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            self._fd = fd
            return True

    def _unlock(self) -> None:
        with no_fork:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def drop_in_child(self) -> None:
        """Let go of the parent's lock, which stays the parent's."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._thread_lock = threading.Lock()
