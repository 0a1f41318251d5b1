"""Plays stories: one of a seed and kind, or given steps; makes a failing one shorter; counts what happened."""

import contextlib
import io
import logging
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.campaign.planted_bugs.base import Bug
from tests.campaign.play import BEGIN, Play
from tests.campaign.setting_up import world
from tests.campaign.story import Step, Story, story


@dataclass(frozen=True)
class Failure:
    """A story that ended badly: what is left of it, and why."""

    seed: int
    kind: str | None
    spec: dict[str, Any]
    steps: Sequence[Step]
    reason: str

    def __str__(self) -> str:
        lines = "\n".join(f"  {number}. {step}" for number, step in enumerate(self.steps, 1))
        again = f"again: make campaign SEEDS={self.seed} FAULTS={self.kind or 'none'}"
        return f"seed {self.seed}, {self.kind}: {self.reason}\n  {self.spec}\n{lines}\n  {again}"


@dataclass(frozen=True)
class Result:
    """How a story ended, and how often each kind of fault happened in it."""

    seed: int
    kind: str | None
    fired: dict[str, int] = field(default_factory=dict)
    failure: Failure | None = None


def play(seed: int, kind: str | None, *, shrink: bool = True) -> Result:
    """Play the story of a seed about a kind of fault."""
    told = story(seed, kind)
    name = f"{seed} {kind}"
    reason, fired = outcome(name, told)
    if reason is None:
        return Result(seed, kind, fired)
    if shrink:
        told = shorter(name, told, reason)
        reason = outcome(name, told)[0] or reason
    return Result(seed, kind, fired, Failure(seed, kind, told.spec, told.steps, reason))


def outcome(name: str, told: Story, bug: type[Bug] | None = None) -> tuple[str | None, dict[str, int]]:
    """Return how a story fails (None: it ends well), and which faults happened in it."""
    with _quiet(), world(BEGIN, name, bug) as made:
        try:
            Play(made, told).run()
        except Exception as error:  # noqa: BLE001  whatever it is, the story failed of it
            where = "" if isinstance(error, AssertionError) else "\n" + traceback.format_exc(limit=-4)
            return f"{type(error).__name__}: {error}{where}", made.fired
        return None, made.fired


def shorter(name: str, told: Story, reason: str, attempts: int = 300) -> Story:
    """Return a story with as few of the steps as still fail in the same way, as far as can be told."""
    left, kind = list(told.steps), _kind_of(reason)
    size = max(1, len(left) // 2)
    while True:
        place = 0
        while place < len(left) and attempts > 0:
            candidate = left[:place] + left[place + size :]
            attempts -= 1
            failed, _ = outcome(name, Story(told.spec, candidate))
            if failed is not None and _kind_of(failed) == kind:
                left = candidate
            else:
                place += size
        if size == 1 or attempts <= 0:
            return Story(told.spec, left)
        size //= 2


def _kind_of(reason: str) -> str:
    """Return the words of a reason, without the numbers and names that differ from story to story."""
    return " ".join(word for word in reason.split("\n", 1)[0].split() if word.isalpha())[:60]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # Powertools', of runs that measured nothing
            yield
    finally:
        logging.disable(before)
