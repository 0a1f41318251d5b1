"""One window in one journal: the numbers that its lines use, and the members seen."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

from fusion_billing_client.meter.identity import Identity, Kind, check_member, check_names, properties_text
from fusion_billing_client.meter.journal import Journal
from fusion_billing_client.meter.windows import Window, WindowLength, window_at

FOLD_BYTES: Final = 1024 * 1024
"""Bytes of a journal after which it is folded at once."""

_LARGEST: Final = 8 * 1024 * 1024
_MOST_NAMES: Final = 100_000


@dataclass(frozen=True)
class Places:
    """Where and how lines are written."""

    folder: Path
    window: WindowLength
    zone: tzinfo
    survives_power_loss: bool


@dataclass(eq=False)
class Page:
    """What `count` needs for the current window; `prefixes` begin the lines of each target."""

    journal: Journal
    window: Window
    start: float
    end: float
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    fold_at: int = FOLD_BYTES
    prefixes: dict[tuple[Any, ...], bytes] = field(default_factory=dict)
    members: set[tuple[Any, ...]] = field(default_factory=set)

    @staticmethod
    def at(now: float, places: Places, previous: "Page | None") -> "Page":
        """Return the page of the window that holds `now`, in the journal of the previous page or a new one."""
        window = window_at(now, places.window, places.zone)
        if previous is None:
            journal = Journal(places.folder, survives_power_loss=places.survives_power_loss)
            return Page(journal, window, window.start, window.end)
        return Page(previous.journal, window, window.start, window.end, previous.numbers, previous.fold_at)

    @property
    def is_full(self) -> bool:
        """Return whether a new journal should start."""
        names = len(self.prefixes) + len(self.members)
        return self.journal.is_broken or self.journal.size > _LARGEST or names > _MOST_NAMES

    def definition(
        self, kind: Kind, subscription: str, metric: str, properties: Mapping[str, object]
    ) -> tuple[bytes, bytes]:
        """Return a new prefix, and the line that defines it; raises `InvalidUsageError`."""
        check_names(subscription, metric)
        identity = self._identity(kind, subscription, metric, properties)
        number = next(self.numbers)
        return b"%d " % number, b"K %d %b\n" % (number, json.dumps(identity).encode())

    def member_line(self, subscription: str, metric: str, member: str, properties: Mapping[str, object]) -> bytes:
        """Return the line that counts a member; raises `InvalidUsageError`."""
        check_names(subscription, metric)
        identity = self._identity("unique", subscription, metric, properties, check_member(member))
        return b"U %b\n" % json.dumps(identity).encode()

    def _identity(
        self,
        kind: Kind,
        subscription: str,
        metric: str,
        properties: Mapping[str, object],
        member: str | None = None,
    ) -> Identity:
        text = properties_text(properties)
        return Identity(kind, subscription, metric, self.window.start_text, self.window.end_text, text, member)
