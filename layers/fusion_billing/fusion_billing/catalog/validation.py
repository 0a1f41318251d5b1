"""Validate definitions, and name every fault once: dotted path, error code, message.

pydantic checks each field. Rules that span fields (ascending tiers, a minimum above its maximum) are checked on the raw
object too, so that one response has both kinds of fault.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from fusion_billing.catalog.identifiers import (
    MAX_DEFINITION_BYTES,
)
from fusion_billing.errors import Fault, Refused
from fusion_billing.json_types import JsonObject
from fusion_billing.strict_json import first_ambiguity


class Definition(BaseModel):
    """The base of all definitions: frozen, without unknown fields, in the JSON of the HTTP API.

    Build one by `parse`, which checks rules that span fields too; `model_validate` is for stored definitions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    null_is_left_out: ClassVar[bool] = True
    """Whether a field that is null counts as missing."""

    kept_nulls: ClassVar[frozenset[str]] = frozenset({"up_to"})
    """Fields whose null has a meaning and is part of the JSON."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, raw: Any) -> Any:
        if cls.null_is_left_out and isinstance(raw, dict) and None in raw.values():
            return {name: value for name, value in raw.items() if value is not None}
        return raw

    @classmethod
    def cross_faults(cls, raw: JsonObject) -> Iterator[Fault]:  # noqa: ARG003  for those that override it
        """Yield the faults that span fields of `raw`, which may have any shape."""
        yield from ()

    def as_json(self) -> JsonObject:
        """Return the JSON object of the HTTP API: decimals as plain strings, without unset fields."""
        json: dict[str, Any] = _pruned(self.model_dump(mode="json"), self.kept_nulls)
        return json


AnyDefinition = TypeVar("AnyDefinition", bound=BaseModel)


def parse(model: type[AnyDefinition], obj: object, **given: object) -> AnyDefinition:
    """Return a JSON object as a `model`.

    Args:
        model: The definition's class.
        obj: The JSON object.
        given: Fields known from elsewhere (the code in a path); the object may repeat them with the same value.

    Raises:
        Refused: with every fault found.
    """
    if not isinstance(obj, dict):
        raise Refused([Fault("", "not_an_object", "must be a JSON object")])
    faults: list[Fault] = []
    doubled = first_ambiguity(obj)
    if doubled is not None:
        faults.append(doubled)
    for name, value in given.items():
        if name in obj and obj[name] != value:
            faults.append(Fault(name, "mismatch", f"must be {value}, as in the path of the request, or be left out"))
    whole = {**obj, **given}
    made = None
    try:
        made = model.model_validate(whole)
    except ValidationError as error:
        faults += [_fault(details, whole) for details in error.errors(include_url=False)]
    if issubclass(model, Definition):
        faults += model.cross_faults(whole)
    if faults or made is None:
        raise Refused(dict.fromkeys(faults))
    return made


def check_size(text: str) -> None:
    """Raise `Refused` if the JSON of a definition is too large to be stored."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_DEFINITION_BYTES:
        message = f"must have at most {MAX_DEFINITION_BYTES} bytes as JSON, all its versions or overrides together"
        raise Refused([Fault("", "too_large", message)])


_CODES = {
    "missing": ("missing", "is required"),
    "extra_forbidden": ("unknown_field", "is not a field of this object"),
    "bool_type": ("not_a_boolean", "must be true or false"),
    "bool_parsing": ("not_a_boolean", "must be true or false"),
    "tuple_type": ("not_a_list", "must be a list"),
    "list_type": ("not_a_list", "must be a list"),
    "dict_type": ("not_an_object", "must be a JSON object"),
    "model_type": ("not_an_object", "must be a JSON object"),
    "model_attributes_type": ("not_an_object", "must be a JSON object"),
    "too_long": ("too_many", "has too many entries"),
    "literal_error": ("unknown_value", ""),
    "string_unicode": ("invalid_characters", "must not contain unpaired surrogates"),
    "union_tag_invalid": ("unknown_value", ""),
    "union_tag_not_found": ("missing", "must name its type"),
}


def _fault(details: ErrorDetails, whole: object) -> Fault:
    kind = details["type"]
    context = details.get("ctx", {})
    # Our own validators have their own message, even if pydantic has the same code.
    own = kind == "too_long" and "max_length" not in context
    code, message = (kind, "") if own else _CODES.get(kind, (kind, ""))
    if kind == "literal_error":
        message = f"must be one of {context['expected']}"
    elif kind == "union_tag_invalid":
        message = f"must be one of {context['expected_tags']}"
    path = _path(details["loc"], whole, missing=kind == "missing")
    if kind.startswith("union_tag"):
        path += ".type"
    return Fault(path, code, message or details["msg"])


def _path(location: Iterable[str | int], whole: Any, *, missing: bool) -> str:
    """Return the dotted path of a fault: that of pydantic without the tags of unions, which no body has."""
    parts = list(location)
    path: list[str] = []
    here: Any = whole
    for index, part in enumerate(parts):
        in_object = isinstance(here, dict) and part in here
        if in_object or (isinstance(here, list) and isinstance(part, int)):
            here = here[part]
        elif not (missing and index == len(parts) - 1):
            continue
        path.append(str(part))
    return ".".join(path)


def _pruned(value: Any, remaining: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(item, remaining) for key, item in value.items() if item is not None or key in remaining}
    if isinstance(value, list):
        return [_pruned(item, remaining) for item in value]
    return value
