"""Answers edited and put back: what they show beyond a definition may stay in, as long as it is still so.

A `PUT` takes a definition and refuses any other field. Of what a `GET` shows besides, a body may hold
`version`, which makes it a `PUT` over that version alone, and the rest as it is stored.
"""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from fusion_billing.catalog.field_types import whole_number
from fusion_billing.errors import Fault, Refused, VersionConflict
from fusion_billing.strict_json import Number

VERSION = "version"


def split(body: Mapping[str, Any], shown: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the definition in a body, and what it holds of `version` and of the fields `shown`."""
    definition = {name: value for name, value in body.items() if name != VERSION and name not in shown}
    besides = {name: value for name, value in body.items() if name not in definition and value is not None}
    return definition, besides


def check(besides: Mapping[str, Any], stored: Mapping[str, Any] | None) -> None:
    """Hold what a body had besides its definition against what is `stored`, as shown; None: there is nothing.

    Raises `VersionConflict` where `version` is another, `Refused` (`read_only`) where
    anything else is.
    """
    given = {name: _plain(value) for name, value in besides.items()}
    version = given.pop(VERSION, None)
    if version is not None and type(version) is not int:
        raise Refused([Fault(VERSION, "not_an_integer", "must be an integer")])
    now = {} if stored is None else stored
    if version is not None and version != now.get(VERSION):
        found = f"it is at version {now[VERSION]}" if now else "it does not exist"
        raise VersionConflict(f"{found}, not at {version}: read it again")
    differing = sorted(name for name, value in given.items() if value != now.get(name))
    if differing:
        why = "is shown, and can't be set: leave it out, or as it is"
        raise Refused([Fault(name, "read_only", why) for name in differing])


def _plain(value: Any) -> Any:
    """Return JSON with its whole numbers as such; any other stays its text, since we show none."""
    if isinstance(value, Number):
        try:
            return whole_number(value)
        except PydanticCustomError:
            return value.text
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
