"""Event filters of endpoints: `*` matches all events, `rating.*` a family, anything else one event type."""

from collections.abc import Collection, Iterable

from fusion_billing.catalog.identifiers import MAX_EVENT_FILTERS
from fusion_billing.errors import Fault

FORMER_TYPES = {"line.parked": "line.failed"}
"""Event types under a former name, which filters and stored events may still carry."""


def matches(filters: Iterable[str], type_: str) -> bool:
    """Return whether any filter matches an event type."""
    type_ = FORMER_TYPES.get(type_, type_)
    named = (FORMER_TYPES.get(name, name) for name in filters)
    return any(name in {"*", type_} or (name.endswith(".*") and type_.startswith(name[:-1])) for name in named)


def filter_faults(filters: object, known: Collection[str], field: str = "events") -> list[Fault]:
    """Return the faults of an endpoint's filters, by element.

    A filter that matches no event type in `known` is refused as `unknown_event`.
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
            faults.append(
                Fault(
                    where,
                    "unknown_event",
                    f"is not an event type; use one of {choices}, a family such as rating.*, or *",
                )
            )
    return faults
