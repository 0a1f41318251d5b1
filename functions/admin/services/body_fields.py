"""Checks of small request bodies: which fields they may have, and of which type."""

from collections.abc import Collection

from fusion_billing.errors import Fault, Refused
from fusion_billing.json_types import JsonObject


def check_fields(body: JsonObject, *, strings: Collection[str] = (), booleans: Collection[str] = ()) -> JsonObject:
    """Return `body` if it has no other fields than these, each of its type; raises `Refused` with every fault.

    A field that is there must have a value: null is refused, so that a program's missing value can't turn
    a request for one thing into a request for everything.
    """
    faults = [Fault(name, "unknown_field", "Unknown field") for name in body if name not in {*strings, *booleans}]
    faults += [
        Fault(name, "not_a_string", "must be a string")
        for name in strings
        if name in body and type(body[name]) is not str
    ]
    faults += [
        Fault(name, "not_a_boolean", "must be true or false")
        for name in booleans
        if name in body and not isinstance(body[name], bool)
    ]
    if faults:
        raise Refused(faults)
    return body
