"""The journal: where `count` writes, one line a call, before it returns.

Each process appends to a file of its own, which it holds locked. A line is written by one `write` call, so it is in
the system's page cache when `count` returns: killing the process does not lose it. Lines are folded into the ledger
in groups; the ledger remembers, in the same transaction, how far it has read each journal. The journals of processes
that are gone are found by their free locks, and folded by any other process.

    J 1                                       the format
    K 7 ["count","42","api_calls",...]        number 7 stands for this record from here on
    7 3                                       add 3 to number 7
    8=12.5 1762160400.25                      gauge number 8 was 12.5 at that time
    U ["unique","42","seats",...,"user-9"]    this member was seen
"""

import errno
import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import Final

from fusion_billing_client.errors import LedgerError, LedgerFullError

HEADER: Final = b"J 1\n"
SUFFIX: Final = ".counts"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Journal:
    """The journal that this process writes; `append` is called under the meter's lock."""

    def __init__(self, folder: Path, *, survives_power_loss: bool = False) -> None:
        self.name = f"{time.time_ns():x}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self.path = folder / self.name
        self.is_broken = False
        self._survives_power_loss = survives_power_loss
        new = folder / f"{self.name}.new"
        try:
            self.fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ledger_error(error, folder) from error
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before it has its name: no one adopts it
            self.size = 0
            self.append(HEADER)
            new.rename(self.path)
        except OSError as error:
            os.close(self.fd)
            new.unlink(missing_ok=True)
            raise ledger_error(error, folder) from error
        except LedgerError:
            os.close(self.fd)
            new.unlink(missing_ok=True)
            raise

    def append(self, line: bytes) -> None:
        """Write a line; raises `LedgerFullError` or `LedgerError`, and then the line is not in the journal."""
        try:
            written = os.write(self.fd, line)
        except OSError as error:
            raise ledger_error(error, self.path) from error
        if written != len(line):
            self._take_back(written)
            raise LedgerFullError(f"{self.path}: the disk is full, nothing was counted. Free some space")
        self.size += written
        if self._survives_power_loss:
            self._sync(len(line))

    def _take_back(self, written: int) -> None:
        """Remove the part of a line that was written."""
        try:
            os.ftruncate(self.fd, os.fstat(self.fd).st_size - written)
        except OSError:
            self.is_broken = True  # the part has no line end, so it is never read; nothing may follow it

    def _sync(self, written: int) -> None:
        try:
            getattr(os, "fdatasync", os.fsync)(self.fd)
        except OSError as error:
            self._take_back(written)
            self.is_broken = True
            raise ledger_error(error, self.path) from error

    def close(self) -> None:
        """Close the file; its lock is free then, unless a parent process holds it too."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def adopt(path: Path) -> int | None:
    """Return a locked descriptor of the journal of a process that is gone, None if its process lives."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_nlink:  # else another process has just folded and removed it
            return fd
    except BlockingIOError:
        pass
    os.close(fd)
    return None


def ledger_error(error: OSError, path: Path) -> LedgerError:
    """Return the exception for a failed operation on a file."""
    if error.errno in _FULL:
        return LedgerFullError(f"{path}: the disk is full, nothing was counted. Free some space")
    return LedgerError(f"{path}: {error.strerror or error}, nothing was counted")
