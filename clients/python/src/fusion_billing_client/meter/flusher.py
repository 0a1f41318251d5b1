"""The background thread: fold often, push at intervals, and wait longer while the service does not respond."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from fusion_billing_client.errors import FusionBillingError

log = logging.getLogger("fusion_billing_client.meter")

_LONGEST_WAIT: Final = 300.0
FOLD_SECONDS: Final = 1.0


class Flusher:
    """Calls `fold` about every second if there is something to fold, and `push` every `interval` seconds."""

    def __init__(self, fold: Callable[[], None], push: Callable[[], None], interval: float) -> None:
        self._fold = fold
        self._push = push
        self.interval = interval
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.failures = 0

    def start(self) -> None:
        """Start the thread, unless it runs."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="fusion-billing-meter", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is shutting down: the next process folds and pushes
                self._thread = None

    def wake(self) -> None:
        """Fold now."""
        self._wake.set()

    def stop(self) -> None:
        """Stop the thread, and wait for what it is doing."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        push_at = time.monotonic() + self.interval * random.uniform(0.5, 1)  # noqa: S311  spreads the load of many
        while not self._stopping.is_set():
            self._wake.wait(min(FOLD_SECONDS, self.interval))
            self._wake.clear()
            if self._stopping.is_set():
                return
            self._try(self._fold, "fold")
            if time.monotonic() >= push_at:
                done = self._try(self._push, "push")
                self.failures = 0 if done else self.failures + 1
                wait = self.interval if done else min(_LONGEST_WAIT, self.interval * 2.0 ** min(self.failures, 10))
                push_at = time.monotonic() + wait * random.uniform(0.75, 1.25)  # noqa: S311

    def _try(self, work: Callable[[], None], what: str) -> bool:
        try:
            work()
        except FusionBillingError as error:
            log.warning("Usage counts could not be %sed, they stay in the ledger: %s", what, error)
            return False
        except Exception:
            log.exception("Usage counts could not be %sed, they stay in the ledger", what)
            return False
        return True
