"""Write schemas so that generators of clients take them: no titles, no hyphens in names."""

import re

from fusion_billing.json_types import JsonValue

_REFERENCE = re.compile(r"(#/components/schemas/\w+)-(Input|Output)")
_VALUES = frozenset({"example", "examples", "default", "const", "enum"})
"""Keywords whose values are data, not schemas."""


def name_of(schema: str) -> str:
    """Return the name of a schema, which may be one of a pair for requests and responses."""
    return schema.replace("-", "")


def portable(value: JsonValue) -> JsonValue:
    """Return a part of the document without the titles of schemas, two of which may be equal, and with portable names.

    Generators name classes by titles, and refuse two of the same name.
    """
    if isinstance(value, str):
        return _REFERENCE.sub(r"\1\2", value)
    if isinstance(value, list):
        return [portable(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("const"), bool):  # code that is generated for it is wrong
        value = {"type": "boolean", **{key: each for key, each in value.items() if key != "const"}}
    return {
        key: each if key in _VALUES else portable(each)
        for key, each in value.items()
        if not (key == "title" and isinstance(each, str))
    }
