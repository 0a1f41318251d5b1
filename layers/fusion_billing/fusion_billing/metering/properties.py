"""Parse the properties of a usage record."""

import json
from typing import Any

from fusion_billing.catalog.identifiers import (
    MAX_PROPERTIES,
    MAX_PROPERTIES_BYTES,
    MAX_PROPERTY_NAME,
    MAX_PROPERTY_VALUE,
)
from fusion_billing.errors import Fault, Refused
from fusion_billing.metering.field_faults import MAX_FAULTS_OF_A_KIND, displayed_name, refuse, text_fault
from fusion_billing.strict_json import Ambiguous


def parse_properties(raw: object, field: str) -> str:
    """Return properties as canonical JSON, an empty string if there are none; raises `Refused`."""
    if not isinstance(raw, dict):
        raise refuse(field, "not_an_object", "must be an object of strings")
    if len(raw) > MAX_PROPERTIES:
        raise refuse(field, "too_many", f"must have at most {MAX_PROPERTIES} entries")
    faults = _property_faults(raw, field)
    if faults:
        raise Refused(faults[:MAX_FAULTS_OF_A_KIND], total=len(faults))
    text = json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if raw else ""
    if len(text.encode()) > MAX_PROPERTIES_BYTES:
        raise refuse(field, "too_large", f"must have at most {MAX_PROPERTIES_BYTES} bytes as JSON")
    return text


def _property_faults(properties: dict[str, Any], field: str) -> list[Fault]:
    faults = []
    if isinstance(properties, Ambiguous):
        names = properties.duplicates
        faults += [
            Fault(f"{field}.{displayed_name(name)}", "duplicate_key", "must not be given twice") for name in names
        ]
    for name, value in properties.items():
        path = f"{field}.{displayed_name(name)}"
        if not 1 <= len(name) <= MAX_PROPERTY_NAME or not name.isprintable():
            message = f"must have a name of 1 to {MAX_PROPERTY_NAME} printable characters"
            faults.append(Fault(path, "invalid_property_name", message))
        fault = text_fault(path, value, MAX_PROPERTY_VALUE, shortest=0)
        if fault is not None:
            faults.append(fault)
    return faults
