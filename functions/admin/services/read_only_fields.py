"""Accept in a `PUT` the read-only fields that a `GET` shows, as long as they are unchanged.

A `PUT` takes a definition and refuses any other field. Of the fields that a `GET` shows as well, a body may have
`version`, which makes it a `PUT` over that version alone, and the rest as it is stored.
"""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from fusion_billing.catalog.field_types import whole_number
from fusion_billing.errors import Fault, Refused, VersionConflict
from fusion_billing.strict_json import Number

VERSION = "version"


def split(body: Mapping[str, object], shown: Collection[str]) -> tuple[dict[str, object], dict[str, object]]:
    """Return the definition in a body, and its read-only fields: `version` and those in `shown`."""
    definition = {name: value for name, value in body.items() if name != VERSION and name not in shown}
    read_only = {name: value for name, value in body.items() if name not in definition and value is not None}
    return definition, read_only


def check(read_only: Mapping[str, object], stored: Mapping[str, object] | None) -> None:
    """Compare the read-only fields of a body with the `stored` ones, as shown; None if nothing is stored.

    Raises `VersionConflict` where `version` is another, `Refused` (`read_only`) where
    anything else is.
    """
    given = {name: _plain(value) for name, value in read_only.items()}
    version = given.pop(VERSION, None)
    if version is not None and type(version) is not int:
        raise Refused([Fault(VERSION, "not_an_integer", "must be an integer")])
    now = {} if stored is None else stored
    if version is not None and version != now.get(VERSION):
        found = f"The stored version is {now[VERSION]}" if now else "Nothing is stored"
        raise VersionConflict(f"{found}, not at {version}: read it again")
    differing = sorted(name for name, value in given.items() if value != now.get(name))
    if differing:
        why = "is read-only: leave it out, or send the stored value"
        raise Refused([Fault(name, "read_only", why) for name in differing])


def _plain(value: Any) -> Any:
    """Return JSON with its integers as `int`; other numbers stay text, since no read-only field has one."""
    if isinstance(value, Number):
        try:
            return whole_number(value)
        except PydanticCustomError:
            return value.text
    if isinstance(value, dict):
        return {name: _plain(child) for name, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value
