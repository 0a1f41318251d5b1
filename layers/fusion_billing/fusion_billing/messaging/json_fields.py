"""Optional fields of messages."""

from typing import Any

Json = dict[str, Any]


def given_fields(**fields: Any) -> Json:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def integer(value: object) -> int | None:
    """Return a field that is an integer; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
