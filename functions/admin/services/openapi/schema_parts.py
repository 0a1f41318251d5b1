"""The parts that schemas are made of."""

from fusion_billing.catalog.identifiers import DECIMAL
from fusion_billing.json_types import JsonObject

Schema = JsonObject

TEXT: Schema = {"type": "string"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
DECIMAL_TEXT: Schema = {"type": "string", "pattern": f"^{DECIMAL.pattern}$", "examples": ["12.5"]}
NUMBER: Schema = {"anyOf": [{"type": "number", "minimum": 0}, DECIMAL_TEXT]}
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXTS: Schema = {"type": "array", "items": TEXT}
ANY_OBJECT: Schema = {"type": "object"}


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """Return the schema of an object that may have other properties too."""
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema


def closed_object(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """Return the schema of an object that has no other properties."""
    return object_(required, **properties) | {"additionalProperties": False}


def array(items: Schema, **bounds: int) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **bounds}


def or_null(schema: Schema) -> Schema:
    """Return a schema that takes null too, which stands for a field that is left out."""
    return schema if {"type": "null"} in schema.get("anyOf", ()) else {"anyOf": [schema, {"type": "null"}]}
