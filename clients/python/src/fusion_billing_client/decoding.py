"""Decode JSON objects into the models: dataclasses whose types say what each field becomes.

`Decimal` and `datetime` are made from their texts. Fields that a model does not know stay in its `raw`, so a newer
service never breaks an older client.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar, Union

M = TypeVar("M", bound="Model")

_FRACTION = re.compile(r"\.(\d+)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A JSON object of a response; `raw` holds all of it."""

    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False, compare=False)


def decode(model: type[M], value: Mapping[str, Any]) -> M:
    """Return the model that a JSON object describes; a missing field gets its default."""
    fields = {}
    for name, (key, read) in _readers(model).items():
        if key in value:
            given = value[key]
            fields[name] = None if given is None else read(given)
    return model(raw=value, **fields)


_Readers = dict[str, tuple[str, Callable[[Any], Any]]]
_known: dict[type[Any], _Readers] = {}


def _readers(model: type[Any]) -> _Readers:
    if model not in _known:
        hints = typing.get_type_hints(model)
        _known[model] = {
            field.name: (field.metadata.get("key", field.name), _reader(hints[field.name]))
            for field in dataclasses.fields(model)
            if field.name != "raw"
        }
    return _known[model]


def _reader(hint: Any) -> Callable[[Any], Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        [inner] = [argument for argument in arguments if argument is not type(None)]
        return _reader(inner)
    if origin is tuple:
        read = _reader(arguments[0])
        return lambda values: tuple(read(value) for value in values)
    if origin is not None and issubclass(origin, Mapping):
        return lambda value: value
    if isinstance(hint, type) and issubclass(hint, Model):
        model = hint
        return lambda value: decode(model, value)
    return _SCALARS.get(hint, lambda value: value)


def instant(text: str) -> datetime:
    """Return the datetime that an RFC 3339 text names, as Python 3.10 can't parse it itself."""
    padded = _FRACTION.sub(lambda found: "." + found[1][:6].ljust(6, "0"), text, count=1)
    return datetime.fromisoformat(padded.replace("Z", "+00:00").replace("z", "+00:00"))


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    Decimal: lambda value: Decimal(str(value)),
    datetime: instant,
    date: date.fromisoformat,
    str: str,
}
