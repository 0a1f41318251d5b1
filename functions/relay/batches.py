"""Pack due lines into calls: an order's lines together, no line twice in a call, at most a hundred."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

LARGEST = 100


class Packable(Protocol):
    """What packing needs to know of a line."""

    @property
    def order(self) -> Hashable:
        """The order, whose lines go into one call."""
        ...

    @property
    def identity(self) -> str:
        """The external ID of the line: of two in one call the last would win."""
        ...

    @property
    def attempt_count(self) -> int:
        """How often it was postponed: a call that may have failed by its size is retried in smaller ones."""
        ...


T = TypeVar("T", bound=Packable)


def packed(lines: Sequence[T], largest: Callable[[], int] = lambda: LARGEST) -> Iterator[list[T]]:
    """Yield the lines of each call, in order. `largest` returns how many lines the next call may hold."""
    groups, twins = _groups(lines)
    batch: list[T] = []
    for group in groups:
        if batch and len(batch) + len(group) > _limit([*batch, *group], largest()):
            yield batch
            batch = []
        batch += group
        while len(batch) > (limit := _limit(batch, largest())):
            yield batch[:limit]
            batch = batch[limit:]
    if batch:
        yield batch
    if twins:
        yield from packed(twins, largest)


def _limit(lines: Iterable[Packable], largest: int) -> int:
    return max(1, largest >> max(line.attempt_count for line in lines))


def _groups(lines: Sequence[T]) -> tuple[list[list[T]], list[T]]:
    by_order: dict[Hashable, list[T]] = {}
    twins: list[T] = []
    seen: set[str] = set()
    for line in lines:
        if line.identity in seen:
            twins.append(line)
        else:
            seen.add(line.identity)
            by_order.setdefault(line.order, []).append(line)
    return list(by_order.values()), twins
