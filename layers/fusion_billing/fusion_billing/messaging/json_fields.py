"""Optional fields of messages."""

from fusion_billing.json_types import JsonObject


def given_fields(**fields: object) -> JsonObject:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def integer(value: object) -> int | None:
    """Return a field that is an integer; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
