"""Fold journals into the ledger: read whole lines, add them up, and store the sums with the position read."""

import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Final

from fusion_billing_client.meter.changes import EXACT, Changes
from fusion_billing_client.meter.identity import Identity
from fusion_billing_client.meter.journal import SUFFIX, Journal, adopt
from fusion_billing_client.meter.ledger import Ledger

_CHUNK: Final = 4 * 1024 * 1024


class JournalReader:
    """Reads one journal from where the ledger stands."""

    def __init__(self, fd: int, name: str, position: int = 0) -> None:
        self.name = name
        self._fd = fd
        self._position = position
        self._identities: dict[bytes, Identity] = {}
        if position:
            self._define(os.pread(fd, position, 0))

    def fold(self, ledger: Ledger) -> bool:
        """Fold every complete line into the ledger; return whether there was any."""
        found = False
        while True:
            chunk = os.pread(self._fd, _CHUNK, self._position)
            end = chunk.rfind(b"\n") + 1
            if not end:
                return found
            found = True
            ledger.apply(self.name, self._position, self._position + end, self._changes(chunk[:end]))
            self._position += end

    def _define(self, data: bytes) -> None:
        for line in data.split(b"\n"):
            if line.startswith(b"K "):
                _, number, text = line.split(b" ", 2)
                self._identities[number] = Identity(*json.loads(text))

    def _changes(self, data: bytes) -> Changes:
        changes = Changes()
        lines = Counter(data.split(b"\n"))  # the same line many times is read once
        self._define(b"\n".join(line for line in lines if line.startswith(b"K ")))
        changes.unreadable += [line for line, times in lines.items() if not self._is_read(changes, line, times)]
        return changes

    def _is_read(self, changes: Changes, line: bytes, times: int) -> bool:
        """Read a line; return False for one that no process wrote, as a power loss may leave it."""
        try:
            self._read(changes, line, times)
        except (ValueError, KeyError, ArithmeticError, TypeError):
            return False
        return True

    def _read(self, changes: Changes, line: bytes, times: int) -> None:
        if not line or line[:1] in b"KJ":
            return
        if line.startswith(b"U "):
            changes.members.add(Identity(*json.loads(line[2:])))
            return
        first, _, second = line.partition(b" ")
        if b"=" in first:
            number, _, value = first.partition(b"=")
            changes.add_gauge(self._identities[number], Decimal(value.decode("ascii")), float(second))
            return
        identity = self._identities[first]
        changes.add_count(identity, EXACT.multiply(Decimal(second.decode("ascii")), times))


class JournalFolder:
    """The folder of journals: this process's own, and those of others. Used under the ledger's lock."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder = folder
        self._ledger = ledger
        self._readers: dict[str, JournalReader] = {}

    def fold(self, current: Journal | None, retired: list[Journal]) -> None:
        """Fold the current journal; fold and remove retired ones, and those of processes that are gone."""
        for journal in list(retired):
            self._reader(journal).fold(self._ledger)
            self._remove(journal.path)
            self._readers.pop(journal.name)
            journal.close()
            retired.remove(journal)
        if current is not None:
            self._reader(current).fold(self._ledger)
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            if path.name not in self._readers:
                self._fold_orphan(path)

    def _reader(self, journal: Journal) -> JournalReader:
        if journal.name not in self._readers:
            position = self._ledger.position(journal.name)
            self._readers[journal.name] = JournalReader(journal.fd, journal.name, position)
        return self._readers[journal.name]

    def _fold_orphan(self, path: Path) -> None:
        fd = adopt(path)
        if fd is not None:
            try:
                JournalReader(fd, path.name, self._ledger.position(path.name)).fold(self._ledger)
                self._remove(path)
            finally:
                os.close(fd)

    def _remove(self, path: Path) -> None:
        """Remove a folded journal: the ledger is on the disk before, and forgets it only when the file is gone."""
        self._ledger.checkpoint()
        path.unlink(missing_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._ledger.forget_journal(path.name)
