"""Validation that names everything that is wrong, once: dotted path, stable code, sentence.

pydantic checks each field; what spans several fields (tiers ascending, a minimum above its maximum)
is checked on the raw object as well, so that one answer holds both kinds of fault.
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
from fusion_billing.strict_json import first_ambiguity


class Definition(BaseModel):
    """The base of all definitions: frozen, unknown fields refused, JSON as the HTTP contract has it.

    Build one by `parse`, which checks what spans fields too; `model_validate` is for what was stored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    null_is_left_out: ClassVar[bool] = True
    """Whether a field given as null counts as left out."""

    kept_nulls: ClassVar[frozenset[str]] = frozenset({"up_to"})
    """Fields whose null has a meaning of its own and is written out."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, raw: Any) -> Any:
        if cls.null_is_left_out and isinstance(raw, dict) and None in raw.values():
            return {name: value for name, value in raw.items() if value is not None}
        return raw

    @classmethod
    def cross_faults(cls, raw: dict[str, Any]) -> Iterator[Fault]:  # noqa: ARG003  for those that override it
        """Yield what is wrong between the fields of `raw`, which may be of any shape."""
        yield from ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object of the HTTP contract: decimals as plain text, unset fields left out."""
        json: dict[str, Any] = _pruned(self.model_dump(mode="json"), self.kept_nulls)
        return json


AnyDefinition = TypeVar("AnyDefinition", bound=BaseModel)


def parse(model: type[AnyDefinition], obj: object, **given: object) -> AnyDefinition:
    """Return `obj`, a JSON object, as a `model`; raises `Refused` with every fault found.

    `given` are fields known from elsewhere (the code in a path); if the body names one too, it must agree.
    """
    if not isinstance(obj, dict):
        raise Refused([Fault("", "not_an_object", "must be a JSON object")])
    faults: list[Fault] = []
    doubled = first_ambiguity(obj)
    if doubled is not None:
        faults.append(doubled)
    for name, value in given.items():
        if name in obj and obj[name] != value:
            faults.append(Fault(name, "mismatch", f"must be {value}, as elsewhere in the request, or left out"))
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
    """Check that a definition's JSON can be stored: an item holds 400 KB; raises `Refused`."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_DEFINITION_BYTES:
        message = f"must have at most {MAX_DEFINITION_BYTES} bytes as JSON, all its versions or overrides together"
        raise Refused([Fault("", "too_large", message)])


_CODES = {
    "missing": ("missing", "must be given"),
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
    "union_tag_invalid": ("unknown_value", ""),
    "union_tag_not_found": ("missing", "must name its type"),
}


def _fault(details: ErrorDetails, whole: object) -> Fault:
    kind = details["type"]
    context = details.get("ctx", {})
    # A validator of ours has its own sentence, even where its code is one of pydantic's too.
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
    """Return the dotted path of a fault: pydantic's, less the tags of unions, which no body holds."""
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


def _pruned(value: Any, kept: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(item, kept) for key, item in value.items() if item is not None or key in kept}
    if isinstance(value, list):
        return [_pruned(item, kept) for item in value]
    return value
