"""Plays lives: one of a seed, or one of given events; and makes a failing one shorter."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.lives import checks, events
from tests.lives.events import Event
from tests.lives.life import BEGIN, Life, seeded
from tests.lives.service import service

FEATURES: frozenset[str] = frozenset(
    {"levels", "void", "unknown", "plans", "pause", "life", "chain", "close", "final", "hooks", "cadence", "windows"}
)
"""What lives make use of beside pushes, prices and invoices; `events` says what each brings."""


@dataclass(frozen=True)
class Failure:
    """A life that ended badly: its seed, the world it began in, what is left of its events, and why."""

    seed: int
    world: dict[str, Any]
    history: Sequence[Event]
    reason: str

    def __str__(self) -> str:
        steps = "\n".join(f"  {number}. {event}" for number, event in enumerate(self.history, 1))
        again = f"again: make lives SEED={self.seed} LIVES=1"
        return f"life {self.seed}: {self.reason}\n  {self.world}\n{steps}\n  {again}"


def play(seed: int, features: frozenset[str] = FEATURES, *, shrink: bool = True) -> Failure | None:
    """Play the life of a seed; return how it failed, with as few events as it takes, or None."""
    world, history = events.life(seed, features)
    reason = outcome(seed, world, history)
    if reason is None:
        return None
    if shrink:
        history = shorter(seed, world, history, reason)
        reason = outcome(seed, world, history) or reason
    return Failure(seed, world, history, reason)


def outcome(seed: int, world: dict[str, Any], history: Sequence[Event]) -> str | None:
    """Return how a life with these events fails, None if it ends well."""
    with quiet():
        seeded(seed)
        try:
            with service(BEGIN, world.get("rating_cadence", "1h")) as made:
                life = Life(made, world)
                life.begin()
                for event in history:
                    life.play(event)
                life.rest()
                checks.check(life)
        except Exception as error:  # noqa: BLE001  whatever it is, the life failed of it
            return f"{type(error).__name__}: {error}"
    return None


def shorter(seed: int, world: dict[str, Any], history: Sequence[Event], reason: str) -> list[Event]:
    """Return as few of the events as still fail, in the same way as far as can be told."""
    left = list(history)
    size = max(1, len(left) // 2)
    kind = reason.partition(":")[0]
    while True:
        place = 0
        while place < len(left):
            candidate = left[:place] + left[place + size :]
            failed = outcome(seed, world, candidate)
            if failed is not None and failed.startswith(kind):
                left = candidate
            else:
                place += size
        if size == 1:
            return left
        size //= 2


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Log, warn and print nothing."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # Powertools', of runs that measured nothing
            yield
    finally:
        logging.disable(before)
