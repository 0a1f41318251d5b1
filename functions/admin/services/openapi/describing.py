"""Give every property, parameter and operation a description and an example."""

import re
from collections.abc import Mapping
from typing import Any

from functions.admin.route_table import Route
from functions.admin.services.openapi.examples import OF_NAME, OF_PROPERTY, WHOLE
from functions.admin.services.openapi.operation_texts import NOTES, PARAMETERS
from functions.admin.services.openapi.property_texts import OF_NAME as TEXTS
from functions.admin.services.openapi.property_texts import OF_SCHEMA
from functions.admin.services.openapi.schema_parts import Schema
from fusion_billing.json_types import JsonObject, JsonValue

_BY_FORMAT = {
    "date-time": "2026-11-03T00:00:00Z",
    "date": "2026-11-03",
    "uri": "https://hooks.example.com/billing",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_BY_TYPE: dict[str, Any] = {"boolean": True, "string": "text", "null": None}
_INNER = ("anyOf", "oneOf", "allOf")


class Describing:
    """Describes the schemas of one document."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def schemas(self) -> dict[str, Schema]:
        """Return the schemas, each with an example, their properties with descriptions and examples."""
        return {
            name: self._described(schema, _owner(name)) | {"examples": [self.example({"$ref": f"/{name}"})]}
            for name, schema in self._schemas.items()
        }

    def inline(self, schema: Schema, owner: str) -> Schema:
        """Return a schema within an operation with its properties described."""
        return self._described(schema, owner)

    def example(self, schema: Schema, owner: str = "", name: str = "") -> JsonValue:
        """Return an example of a schema, which may be that of a property."""
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            return WHOLE[target] if target in WHOLE else self.example(self._schemas[target], _owner(target))
        for known, key in ((OF_PROPERTY, f"{owner}.{name}"), (OF_NAME, name)):
            if name and key in known and self._takes(schema, known[key]):
                return known[key]
        for key in ("const", "enum", "examples"):
            if key in schema:
                return schema[key] if key == "const" else schema[key][0]
        return self._composed(schema, owner, name)

    def _composed(self, schema: Schema, owner: str, name: str) -> Any:
        if "allOf" in schema:
            return {key: value for part in schema["allOf"] for key, value in self.example(part, owner).items()}
        for option in schema.get("anyOf") or schema.get("oneOf") or ():
            if option.get("type") != "null":
                return self.example(option, owner, name)
        kind = _kind(schema)
        if kind == "object":
            below = f"{owner}.{name}" if name else owner
            return {
                key: self.example(each, below, key)
                for key, each in schema.get("properties", {}).items()
                if not each.get("deprecated")
            }
        if kind == "array":
            return [self.example(schema.get("items", {}), owner, name)]
        if kind in {"integer", "number"}:
            return max(1, schema.get("minimum", 0))
        return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE[kind])

    def _takes(self, schema: Schema, value: Any) -> bool:
        """Return whether a property of this schema may have a value, as far as names of properties leave it open."""
        options = schema.get("anyOf", schema.get("oneOf"))
        if options is not None:
            return any(self._takes(option, value) for option in options)
        if "$ref" in schema or "allOf" in schema:
            return False
        if "const" in schema or "enum" in schema:
            return value in schema.get("enum", [schema.get("const")])
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(type(value) in _TYPES[kind] for kind in kinds):
            return False
        if isinstance(value, list):
            return all(self._takes(schema.get("items", {}), item) for item in value)
        return not (isinstance(value, str) and "pattern" in schema) or bool(re.search(schema["pattern"], value))

    def _described(self, schema: Schema, owner: str) -> Schema:
        """Return a schema with its properties described, those of inner objects too."""
        found = dict(schema)
        if "properties" in schema:
            found["properties"] = {
                name: self._property(each, owner, name) for name, each in schema["properties"].items()
            }
        for key in _INNER:
            if key in schema:
                found[key] = [self._described(each, owner) for each in schema[key]]
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                found[key] = self._described(schema[key], owner)
        return found

    def _property(self, schema: Schema, owner: str, name: str) -> Schema:
        found = self._described(schema, f"{owner}.{name}")
        text = found.get("description") or OF_SCHEMA.get(f"{owner}.{name}") or TEXTS.get(name)
        if text:
            found["description"] = text[0].upper() + text[1:]
        if "examples" not in found:
            found["examples"] = [self.example(schema, owner, name)]
        return found


def parameter_texts(name: str) -> JsonObject:
    """Return the description and the example of a parameter."""
    if name not in PARAMETERS:
        return {}
    description, example = PARAMETERS[name]
    return {"description": description, "example": example}


def operation_text(route: Route) -> str:
    """Return the description of an operation."""
    note = NOTES.get(f"{route.method} {route.template}")
    return f"{route.summary}.\n\n{note}" if note else f"{route.summary}."


def _owner(name: str) -> str:
    return name.removesuffix("-Input").removesuffix("-Output")


def _kind(schema: Schema) -> str:
    kinds = schema.get("type", "object")
    return str(kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null"))
