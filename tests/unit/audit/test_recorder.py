"""What a request leaves in the audit log sorts in the order in which it happened."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from fusion_billing.audit.entry import Actor, Entry
from fusion_billing.audit.recorder import Recorder

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


class Log:
    """Keeps the entries."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def put(self, entry: Entry) -> None:
        """Keep an entry."""
        self.entries.append(entry)

    def write(self, entry: Entry) -> Mapping[str, Any]:
        """Keep an entry of a transaction."""
        self.entries.append(entry)
        return {}


@pytest.mark.parametrize("ending", ["done", "failed"])
@pytest.mark.parametrize("byte", [0x00, 0x7F, 0x80, 0xFF])
def test_an_end_sorts_after_what_was_requested(ending: Any, byte: int) -> None:
    log = Log()
    random = iter([bytes([byte] * 10), bytes([255 - byte] * 10)])
    recorder = Recorder(lambda: log, Actor("key", "src_a"), "createKey", NOW, random=lambda _: next(random))
    recorder.note("keys/1", "requested")
    recorder.note("keys/1", ending)
    requested, ended = log.entries
    assert requested.at == ended.at
    assert requested.id < ended.id
