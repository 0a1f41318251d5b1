"""Check small request bodies: which fields they may have, and of which type."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fusion_billing.errors import Fault, Refused


@dataclass(frozen=True, slots=True)
class BodyFields:
    """The fields that a body has, by type."""

    strings: Mapping[str, str]
    booleans: Mapping[str, bool]


def check_fields(
    body: Mapping[str, object], *, strings: Collection[str] = (), booleans: Collection[str] = ()
) -> BodyFields:
    """Return the fields of `body`; raises `Refused` with every fault: an unknown field, or one of another type.

    A field that is there must have a value: null is refused, so that a program's missing value can't turn
    a request for one thing into a request for everything.
    """
    texts = {name: value for name in strings if isinstance(value := body.get(name), str)}
    flags = {name: value for name in booleans if isinstance(value := body.get(name), bool)}
    faults = [Fault(name, "unknown_field", "Unknown field") for name in body if name not in {*strings, *booleans}]
    faults += [
        Fault(name, "not_a_string", "must be a string") for name in strings if name in body and name not in texts
    ]
    faults += [
        Fault(name, "not_a_boolean", "must be true or false") for name in booleans if name in body and name not in flags
    ]
    if faults:
        raise Refused(faults)
    return BodyFields(texts, flags)
