"""Searches the story that finds a planted bug."""

from dataclasses import dataclass

from tests.campaign.campaign import outcome
from tests.campaign.planted_bugs.base import Bug
from tests.campaign.story import story

SEEDS = 200


@dataclass(frozen=True)
class Found:
    """The story that found a bug, and how it ended."""

    seed: int
    kind: str | None
    reason: str

    def __str__(self) -> str:
        return f"({self.seed}, {self.kind!r}): {self.reason.splitlines()[0][:110]}"


def search(bug: type[Bug], seeds: int = SEEDS) -> Found | None:
    """Play stories of the bug's kinds, seed by seed, until one fails; None if none does."""
    for seed in range(1, seeds + 1):
        found = played(bug, seed, bug.kinds[seed % len(bug.kinds)])
        if found is not None:
            return found
    return None


def recorded(bug: type[Bug]) -> Found | None:
    """Play the story that found the bug before."""
    return played(bug, *bug.found_by)


def played(bug: type[Bug], seed: int, kind: str | None) -> Found | None:
    """Play one story with the bug; None if it ends well."""
    reason, _ = outcome(f"{seed} {kind}", story(seed, kind), bug)
    return None if reason is None else Found(seed, kind, reason)
