"""Filters that no usage record ever reaches, since those chosen before them take all it could.

A record goes to the filter that names most properties, of several to the first listed
(`rating.selection`). A filter that names more properties, or others, leaves the records that lack them. So
only filters of the same properties, listed before, can take everything: a filter is unreachable if every
combination of its values is one of theirs, of any one or of several together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fusion_billing.errors import Fault

_Box = Mapping[str, frozenset[str]]
"""Property -> the values listed: a record matches if each of the properties has one of its values."""

MOST_PARTS = 2_000
"""How finely one filter is cut. Past that, which takes dozens of filters that overlap in several properties
each in another way, it is taken to be reachable."""


@dataclass(frozen=True, slots=True)
class _Filter:
    index: int
    box: _Box


def unreachable_filters(raw: object) -> Iterator[Fault]:
    """Yield a fault for each raw filter that is never reached; one that is malformed is passed over.

    One that selects just what another does is a fault of its own already (`duplicate_filter`).
    """
    earlier: dict[frozenset[str], list[_Filter]] = {}
    for index, item in enumerate(raw if isinstance(raw, list) else ()):
        box = _box(item)
        if box is None:
            continue
        rivals = earlier.setdefault(frozenset(box), [])
        takers = [rival for rival in rivals if all(rival.box[name] & box[name] for name in box)]
        if takers and all(taker.box != box for taker in takers) and _all_taken(box, takers):
            taken_by = ", ".join(f"filters.{taker.index}" for taker in takers)
            message = f"is never reached: every record it selects is taken by {taken_by}, listed before it"
            yield Fault(f"filters.{index}.properties", "unreachable_filter", message)
        rivals.append(_Filter(index, box))


def _box(item: object) -> _Box | None:
    properties = item.get("properties") if isinstance(item, dict) else None
    if not isinstance(properties, dict) or not properties:
        return None
    box = {}
    for name, values in properties.items():
        if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
            return None
        box[name] = frozenset(values)
    return box


def _all_taken(box: _Box, takers: Sequence[_Filter]) -> bool:
    """Return whether the boxes of `takers`, together, hold all of `box`."""
    left = [box]
    for taker in takers:
        left = [part for each in left for part in _without(each, taker.box)]
        if len(left) > MOST_PARTS:
            return False
    return not left


def _without(box: _Box, taken: _Box) -> Iterator[_Box]:
    """Yield disjoint boxes that together hold what of `box` is not in `taken`."""
    if not all(box[name] & taken[name] for name in box):
        yield box
        return
    rest = dict(box)
    for name in box:
        outside = box[name] - taken[name]
        if outside:
            yield {**rest, name: outside}
        rest[name] = box[name] & taken[name]
