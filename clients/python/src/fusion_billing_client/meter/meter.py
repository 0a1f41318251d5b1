"""The meter: count usage exactly, whatever happens to the process, the network or the service."""

import atexit
import contextlib
import fcntl
import os
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Literal
from zoneinfo import ZoneInfo

from fusion_billing_client._sync.client import Client
from fusion_billing_client.errors import FusionBillingError, LedgerError
from fusion_billing_client.meter import forks, pushes
from fusion_billing_client.meter.file_lock import FileLock
from fusion_billing_client.meter.flusher import Flusher
from fusion_billing_client.meter.folding import JournalFolder
from fusion_billing_client.meter.ledger import Ledger
from fusion_billing_client.meter.page import Places
from fusion_billing_client.meter.recorder import Recorder
from fusion_billing_client.meter.reports import FlushReport, Status
from fusion_billing_client.meter.rows import Rejected
from fusion_billing_client.meter.windows import WindowLength, instant_text
from fusion_billing_client.pushing import MOST_RECORDS
from fusion_billing_client.retries import RetryPolicy

_RETRIES: Final = RetryPolicy(attempts=2)
_KEPT_DAYS: Final = 35
_WAITS: Final = pushes.Waits(unavailable=10.0, rejected=3600.0)
_COMPACT_SECONDS: Final = 3600.0


class Meter(Recorder):
    """Counts usage in a local ledger, and pushes it in the background.

        meter = Meter(client, "usage.db")
        meter.count("42", "api_calls", 3, region="eu")

    What was counted when `count` returned is never lost, and never counted twice: not by `kill -9`, a restart, lost
    responses or days offline. Threads, forked processes and several processes may share one ledger on a local disk
    of Linux or macOS; several ledgers, on several hosts, add up. docs/metering.md explains how.

    Args:
        client: The client to push with; its key needs `usage:write`. None only counts, for another process to push.
        path: The ledger, an SQLite file. The folder `<path>-counts` beside it belongs to it.
        window: What is counted together, an `hour` or a `day`.
        zone: The time zone of days and hours.
        flush_interval: Seconds between pushes; None pushes only by `flush`.
        durability: `process`: what was counted survives the end of the process in any form. `power`: also a power
            loss; each count then waits for the disk.
        clock: Returns the time, in seconds since 1970.
    """

    def __init__(
        self,
        client: Client | None,
        path: str | Path = "usage.db",
        *,
        window: WindowLength = "hour",
        zone: str | tzinfo = timezone.utc,
        flush_interval: float | None = 60.0,
        durability: Literal["process", "power"] = "process",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if window not in ("hour", "day"):
            raise ValueError("window: must be 'hour' or 'day'")
        if durability not in ("process", "power"):
            raise ValueError("durability: must be 'process' or 'power'")
        ledger_path = Path(path).absolute()
        self._counts = ledger_path.with_name(f"{ledger_path.name}-counts")
        survives_power_loss = durability == "power"
        zone = ZoneInfo(zone) if isinstance(zone, str) else zone
        super().__init__(Places(self._counts, window, zone, survives_power_loss), clock)
        self._client = client
        self._ledger = Ledger(ledger_path, survives_power_loss=survives_power_loss)
        self._journals = JournalFolder(self._counts, self._ledger)
        self._last_error: str | None = None
        self._last_push_at: datetime | None = None
        self._compact_at = 0.0
        self._session_fd = -1
        self._flush_lock = FileLock(self._counts / "flush.lock")
        self._open_lock = FileLock(self._counts / "open.lock")
        self._is_automatic = flush_interval is not None
        self._flusher = Flusher(self.fold, self._push_in_background, flush_interval or 3600.0)
        forks.watch(self)
        try:
            self._open()
        except BaseException:
            self._is_closed = True
            self._release()
            raise
        atexit.register(_close, weakref.ref(self))

    def _open(self) -> None:
        """Open the ledger, and begin or join its session."""
        try:
            self._counts.mkdir(parents=True, exist_ok=True)
            with forks.no_fork:
                self._session_fd = os.open(self._counts / "session.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerError(f"{self._counts}: {error.strerror or error}") from error
        with self._open_lock.held(wait=True):
            if self._is_alone():
                self._ledger.begin_session(self._counts / "witness")
            else:
                self._ledger.join_session()
            fcntl.flock(self._session_fd, fcntl.LOCK_SH)

    def _is_alone(self) -> bool:
        """Return whether no other process has the ledger open; one at a time asks.

        Others hold a shared lock once their session has begun. A process that was killed before may hold its
        exclusive lock for a moment longer, so that is waited for.
        """
        if self._locks_alone():
            return True
        fcntl.flock(self._session_fd, fcntl.LOCK_SH)
        return self._locks_alone()

    def _locks_alone(self) -> bool:
        try:
            fcntl.flock(self._session_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    # --- folding and pushing ---

    def fold(self) -> None:
        """Move what was counted from the journals into the ledger; the background thread does so by itself."""
        with self._ledger.lock:
            self._retire()
            page = self._page
            self._journals.fold(page.journal if page is not None else None, self._retired)

    def flush(self) -> FlushReport:
        """Fold, and push everything that is due; raises `TransportError`, `APIError` or `LedgerError`.

        Whatever it raises, nothing is lost: what was not accepted is pushed by the next flush.
        """
        self.fold()
        with self._flush_lock.held(wait=True):
            return self._push(at_once=True)

    def _push_in_background(self) -> None:
        if self._client is None:
            return
        with self._flush_lock.held(wait=False) as is_held:
            if is_held:
                self._push()
        if time.monotonic() >= self._compact_at:
            self._compact_at = time.monotonic() + _COMPACT_SECONDS
            self.compact()

    def _push(self, *, at_once: bool = False) -> FlushReport:
        if self._client is None:
            raise ValueError("client: this meter has none, so it only counts")
        pushed = rejected = 0
        try:
            while rows := pushes.pending(self._ledger, now := self._clock(), MOST_RECORDS, at_once=at_once):
                results = self._client.usage.push_batch([row.record() for row in rows], retries=_RETRIES)
                pushes.settle(self._ledger, rows, results, now, _WAITS)
                accepted = sum(result.accepted for result in results)
                unavailable = sum(result.outcome == "unavailable" for result in results)
                pushed += accepted
                rejected += len(results) - accepted - unavailable
                if unavailable:
                    break
        except FusionBillingError as error:
            self._last_error = str(error)
            raise
        self._last_error = None
        self._last_push_at = datetime.now(timezone.utc)
        return FlushReport(pushed, rejected, pushes.count_pending(self._ledger)[0])

    # --- looking after the ledger ---

    def rejected(self) -> list[Rejected]:
        """Return the counters that the service rejected, with the reason. They are tried again every hour."""
        return pushes.rejected(self._ledger)

    def retry_rejected(self) -> FlushReport:
        """Push the rejected counters again now, after what was wrong was corrected."""
        pushes.retry_rejected(self._ledger)
        return self.flush()

    def recount(self, key: str) -> Decimal:
        """Count what the service did not accept of a rejected counter under a new key; return how much that is."""
        return pushes.recount(self._ledger, key)

    def dismiss(self, key: str) -> None:
        """Leave out what the service did not accept of a rejected counter."""
        pushes.dismiss(self._ledger, key)

    def status(self) -> Status:
        """Return the state of the ledger, with everything that was counted until now."""
        if not self._is_closed:
            self.fold()
        pending, oldest = pushes.count_pending(self._ledger)
        [(unreadable,)] = self._ledger.query("SELECT count(*) FROM unreadable")
        rejected = len(pushes.rejected(self._ledger))
        return Status(pending, rejected, oldest, self._last_push_at, self._last_error, unreadable)

    def compact(self, *, days: int = _KEPT_DAYS) -> int:
        """Remove counters that the service has, of windows that ended `days` ago; return how many."""
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        return pushes.compact(self._ledger, instant_text((now - timedelta(days=days)).timestamp()))

    def close(self) -> None:
        """Stop the background thread, push what is due if the service responds, and close the ledger."""
        if self._is_closed:
            return
        self._flusher.stop()
        if self._client is not None and self._is_automatic:
            with contextlib.suppress(FusionBillingError):
                self.flush()
        self._is_closed = True
        self._retire(everything=True)
        with contextlib.suppress(LedgerError):  # a full disk: the journal stays, and the next process folds it
            self.fold()
        for journal in self._retired:
            journal.close()
        self._release()

    def _release(self) -> None:
        self._ledger.close()
        if self._session_fd >= 0:
            os.close(self._session_fd)

    def __enter__(self) -> "Meter":  # noqa: PYI034  Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- the background thread, and forks ---

    def _fold_soon(self) -> None:
        if self._is_automatic:
            self._flusher.wake()
        else:
            self.fold()

    def _began(self) -> None:
        if self._is_automatic:
            self._flusher.start()

    def before_fork(self) -> None:
        """Take every lock, and close the connection to the ledger."""
        self._ledger.lock.acquire()
        self._lock.acquire()
        self._ledger.close()

    def after_fork(self, *, is_child: bool) -> None:
        """Free the locks; a child starts a journal and a thread of its own with its first count."""
        if is_child and not self._is_closed:
            for journal in (*self._retired, *([self._page.journal] if self._page is not None else [])):
                journal.close()
            self._retired.clear()
            self._page = None
            self._journals = JournalFolder(self._counts, self._ledger)
            self._flush_lock.drop_in_child()
            self._open_lock.drop_in_child()
            self._flusher = Flusher(self.fold, self._push_in_background, self._flusher.interval)
        self._lock.release()
        self._ledger.lock.release()


def _close(meter: "weakref.ref[Meter]") -> None:
    found = meter()
    if found is not None:
        found.close()
