"""Read the fields of a stored rating document, and name the one that is missing or has the wrong type."""

from fusion_billing.errors import FusionError
from fusion_billing.json_types import JsonMapping, JsonObject, JsonValue


class UnreadableDocument(FusionError):
    """A stored rating document lacks a field, or a field has the wrong type; the message names the field."""

    code = "rating_unreadable"


def text_of(json: JsonMapping, name: str) -> str:
    """Return a text."""
    value = json.get(name)
    if isinstance(value, str):
        return value
    raise UnreadableDocument(f"{name}: {'is missing' if value is None else 'must be a string'}")


def optional_text_of(json: JsonMapping, name: str) -> str | None:
    """Return a text that may be null, but not missing."""
    return None if name in json and json[name] is None else text_of(json, name)


def odoo_id_of(json: JsonMapping, name: str) -> int:
    """Return the ID of a record in Odoo."""
    value = json.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UnreadableDocument(f"{name}: must be an Odoo record ID")


def list_of(json: JsonMapping, name: str) -> list[JsonValue] | None:
    """Return a list; None if there is none."""
    value = json.get(name)
    if value is None or isinstance(value, list):
        return value
    raise UnreadableDocument(f"{name}: must be a list")


def object_of(json: JsonMapping, name: str) -> JsonObject | None:
    """Return an object; None if there is none."""
    value = json.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise UnreadableDocument(f"{name}: must be an object")
