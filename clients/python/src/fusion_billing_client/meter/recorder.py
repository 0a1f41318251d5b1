"""The calls of an app: each writes one line to this process's journal before it returns."""

import threading
from collections.abc import Callable
from typing import Any, Literal

from fusion_billing_client.errors import LedgerError
from fusion_billing_client.meter.identity import Kind, Quantity, quantity_text
from fusion_billing_client.meter.journal import Journal
from fusion_billing_client.meter.page import FOLD_BYTES, Page, Places

_LARGEST_PLAIN = 1 << 62


class Recorder:
    """Writes counts, gauges and members to the journal of this process."""

    def __init__(self, places: Places, clock: Callable[[], float]) -> None:
        self._places = places
        self._clock = clock
        self._lock = threading.Lock()
        self._page: Page | None = None
        self._retired: list[Journal] = []
        self._is_closed = False

    def count(self, subscription: str, metric: str, quantity: Quantity = 1, /, **properties: str) -> None:
        """Add to a counter of the current window, for metrics that sum.

        Raises:
            InvalidUsageError: An argument is wrong.
            LedgerError: The disk is full or failed. Nothing was counted.
        """
        now = self._clock()
        target = (subscription, metric, *properties.items()) if properties else (subscription, metric)
        while True:
            page = self._page
            if page is None or not page.start <= now < page.end:
                page = self._turn(now)
            prefix = page.prefixes.get(target)
            if prefix is None:
                prefix = self._define(page, "count", target, properties)
            if type(quantity) is int and 0 <= quantity < _LARGEST_PLAIN:
                line = b"%b%d\n" % (prefix, quantity)
            else:
                line = b"%b%b\n" % (prefix, quantity_text(quantity, "quantity").encode())
            if self._write(page, line):
                return

    def gauge(
        self,
        subscription: str,
        metric: str,
        value: Quantity,
        /,
        *,
        keep: Literal["last", "max", "min"] = "last",
        **properties: str,
    ) -> None:
        """Set the level of the current window: its `last`, highest or lowest value is pushed.

        For metrics that aggregate by `last`, `max`, `min`, `average` or `time_weighted`. Raises as `count` does.
        """
        if keep not in ("last", "max", "min"):
            raise ValueError("keep: must be 'last', 'max' or 'min'")
        text = quantity_text(value, "value").encode()
        now = self._clock()
        target = (subscription, metric, keep, *properties.items())
        while True:
            page = self._current(now)
            prefix = page.prefixes.get(target) or self._define(page, keep, target, properties)
            if self._write(page, b"%b=%b %b\n" % (prefix[:-1], text, repr(now).encode())):
                return

    def unique(self, subscription: str, metric: str, member: str, /, **properties: str) -> None:
        """Count a member once in the current window, for metrics that aggregate by `unique_count`.

        Several ledgers may see the same member: it counts once. Raises as `count` does.
        """
        now = self._clock()
        target = (subscription, metric, member, *properties.items())
        while True:
            page = self._current(now)
            if target in page.members:
                return
            if self._write(page, page.member_line(subscription, metric, member, properties)):
                page.members.add(target)
                return

    def _write(self, page: Page, line: bytes) -> bool:
        """Write a line; return False if another page took the place of this one."""
        with self._lock:
            if page is not self._page:
                return False
            try:
                page.journal.append(line)
            except LedgerError:
                if page.journal.is_broken:  # nothing may follow what is there
                    self._retired.append(page.journal)
                    self._page = None
                raise
        if page.journal.size > page.fold_at:
            page.fold_at = page.journal.size + FOLD_BYTES
            self._fold_soon()
        return True

    def _current(self, now: float) -> Page:
        page = self._page
        return page if page is not None and page.start <= now < page.end else self._turn(now)

    def _turn(self, now: float) -> Page:
        """Return the page of the window that holds `now`."""
        with self._lock:
            if self._is_closed:
                raise LedgerError("The meter is closed, nothing was counted")
            if self._page is None or not self._page.start <= now < self._page.end:
                self._page = Page.at(now, self._places, self._page)
            page = self._page
        self._began()
        return page

    def _define(self, page: Page, kind: Kind, target: tuple[Any, ...], properties: dict[str, str]) -> bytes:
        prefix, line = page.definition(kind, target[0], target[1], properties)
        if self._write(page, line):
            page.prefixes[target] = prefix
        return prefix  # of no use if the page was replaced: then the line with it is not written either

    def _retire(self, *, everything: bool = False) -> None:
        """Let the next count start a new journal, if this one is full."""
        with self._lock:
            if self._page is not None and (everything or self._page.is_full):
                self._retired.append(self._page.journal)
                self._page = None

    def _fold_soon(self) -> None:
        """Fold the journal; it has grown."""

    def _began(self) -> None:
        """Start what must run while there is something to fold."""
