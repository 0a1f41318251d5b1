"""Define the overrides of a subscription: one per charge, or several that follow each other in time.

In JSON `{"<charge>": {...}}`, or `{"<charge>": [{...}, {..., "valid_from": "2026-12-01"}]}`. Of several, the
latest valid one replaces the earlier ones entirely; one with only `valid_from` restores the price of the charge.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from fusion_billing.catalog.charge import ChargeOverride
from fusion_billing.catalog.field_types import Code, filled
from fusion_billing.catalog.identifiers import MAX_DATED_OVERRIDES, MAX_OVERRIDES
from fusion_billing.errors import Fault
from fusion_billing.json_types import JsonObject


def _distinct_starts(overrides: tuple[ChargeOverride, ...]) -> tuple[ChargeOverride, ...]:
    if len({override.valid_from for override in overrides}) != len(overrides):
        raise PydanticCustomError("duplicate", "must each be valid from another time")
    return overrides


def _shape(value: object) -> str:
    return "<dated>" if isinstance(value, list | tuple) else "<always>"


Override = Annotated[
    Annotated[ChargeOverride, Tag("<always>")]
    | Annotated[
        tuple[ChargeOverride, ...],
        Field(max_length=MAX_DATED_OVERRIDES),
        AfterValidator(filled),
        AfterValidator(_distinct_starts),
        Tag("<dated>"),
    ],
    Discriminator(_shape),
]
"""One override, or several with a `valid_from` each (one of them may be without: since ever)."""

Overrides = Annotated[dict[Code, Override], Field(max_length=MAX_OVERRIDES)]
"""By the charge's code."""


def dated(override: ChargeOverride | tuple[ChargeOverride, ...] | None) -> tuple[ChargeOverride, ...]:
    """Return the overrides of one charge as a tuple, which is empty if there are none."""
    if override is None:
        return ()
    return (override,) if isinstance(override, ChargeOverride) else override


def overrides_json(
    overrides: Mapping[str, ChargeOverride | tuple[ChargeOverride, ...]],
) -> JsonObject:
    """Return overrides as JSON, in the shape they were given in."""
    return {
        code: override.as_json() if isinstance(override, ChargeOverride) else [each.as_json() for each in override]
        for code, override in overrides.items()
    }


def override_faults(raw: object) -> Iterator[Fault]:
    """Yield the faults that span fields of each raw override of a subscription."""
    for code, override in raw.items() if isinstance(raw, dict) else ():
        for field, each in _entries(code, override):
            if isinstance(each, dict):
                yield from (fault.under(field) for fault in ChargeOverride.cross_faults(each))


def _entries(code: str, override: object) -> Iterator[tuple[str, object]]:
    if isinstance(override, list):
        yield from ((f"{code}.{index}", each) for index, each in enumerate(override[:MAX_DATED_OVERRIDES]))
    else:
        yield code, override
