"""Filters: which event types an endpoint wants. `*` is every one, `rating.*` a family, else a name."""

from collections.abc import Collection, Iterable

from fusion_billing.catalog.identifiers import MAX_EVENT_FILTERS
from fusion_billing.errors import Fault

FORMER_TYPES = {"line.parked": "line.failed"}
"""Event types under a former name, which filters and stored events may still carry."""


def matches(filters: Iterable[str], type_: str) -> bool:
    """Say whether any of `filters` takes an event of this type."""
    type_ = FORMER_TYPES.get(type_, type_)
    named = (FORMER_TYPES.get(name, name) for name in filters)
    return any(name in {"*", type_} or (name.endswith(".*") and type_.startswith(name[:-1])) for name in named)


def filter_faults(filters: object, known: Collection[str], field: str = "events") -> list[Fault]:
    """Return what is wrong with an endpoint's filters, by element; none where all is well.

    A filter that no event of `known` could pass is a typing error, and refused as `unknown_event`.
    """
    if not isinstance(filters, list):
        return [Fault(field, "not_a_list", "must be a list of event types, such as ['rating.*']")]
    if not filters:
        return [Fault(field, "empty", "must hold at least one event type, such as 'rating.*'")]
    if len(filters) > MAX_EVENT_FILTERS:
        return [Fault(field, "too_many", f"must hold at most {MAX_EVENT_FILTERS} event types")]
    faults = []
    for index, one in enumerate(filters):
        where = f"{field}.{index}"
        if not isinstance(one, str):
            faults.append(Fault(where, "not_a_string", "must be an event type, such as rating.updated or rating.*"))
        elif not any(matches([one], type_) for type_ in known):
            choices = ", ".join(sorted(known))
            faults.append(Fault(where, "unknown_event", f"is no event type; there are {choices}, and *"))
    return faults
