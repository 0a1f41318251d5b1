"""Divide records by filters and `group_by` into segments that are priced together.

A record goes to the filter whose properties it has; if several match, to the filter with the most properties, then
to the first listed. Records without a filter are priced by the charge's own model.
Each filter, and within it each group of equal `group_by` values, is priced by itself: with its own tiers
and its own included units. A filter (or the charge's own price) that no record reached is
still priced, at zero units, as a flat amount may be due.

Labels are unique per group: a missing property is `(none)`, and a value that could be taken for something
else (no text, spaces, punctuation) stands in quotes.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from fusion_billing.catalog.charge import Charge, Filter
from fusion_billing.catalog.price_models import PriceModel
from fusion_billing.rating.records import Record


class Segment(NamedTuple):
    """Records that are priced together; `label` names them where there are several segments.

    A group exists once it has a record; any other segment exists throughout.
    """

    label: str
    model: PriceModel
    included_units: Decimal
    records: Sequence[Record]
    is_group: bool = False


def segments(charge: Charge, records: Sequence[Record]) -> list[Segment]:
    """Return the segments of the records (in order), filters first as listed, groups by name."""
    if not charge.filters:
        return _groups(charge, "", charge.model, charge.included_units, records)
    ranked = sorted(range(len(charge.filters)), key=lambda index: -len(charge.filters[index].properties))
    taken: list[list[Record]] = [[] for _ in charge.filters]
    rest: list[Record] = []
    for record in records:
        for index in ranked:
            if _matches(charge.filters[index], record):
                taken[index].append(record)
                break
        else:
            rest.append(record)
    found: list[Segment] = []
    for item, chosen in zip(charge.filters, taken, strict=True):
        found += _groups(charge, _words(item), item.model, item.included_units, chosen)
    return found + _groups(charge, "all else", charge.model, charge.included_units, rest)


def _matches(item: Filter, record: Record) -> bool:
    properties = record.properties
    if not properties:
        return False
    return all(properties.get(name) in values for name, values in item.properties.items())


def _groups(
    charge: Charge, label: str, model: PriceModel, included: Decimal, records: Sequence[Record]
) -> list[Segment]:
    if not charge.group_by or not records:
        return [Segment(label, model, included, records)]
    groups: dict[tuple[str | None, ...], list[Record]] = {}
    for record in records:
        properties = record.properties or {}
        values = tuple(properties.get(name) for name in charge.group_by)
        groups.setdefault(values, []).append(record)
    prefix = f"{label}, " if label else ""
    return [
        Segment(prefix + _group_words(charge.group_by, values), model, included, groups[values], is_group=True)
        for values in sorted(groups, key=_in_order)
    ]


def _in_order(values: Sequence[str | None]) -> list[tuple[bool, str]]:
    return [(value is not None, value or "") for value in values]


def _words(item: Filter) -> str:
    return ", ".join(f"{name} {' or '.join(map(_shown, values))}" for name, values in item.properties.items())


def _group_words(names: Sequence[str], values: Sequence[str | None]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in zip(names, values, strict=True))


def _shown(value: str | None) -> str:
    if value is None:
        return "(none)"
    if value.replace("-", "").replace("_", "").replace(".", "").isalnum():
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
