"""Build the faults of a usage record's fields."""

from fusion_billing.errors import Fault, Refused

# A response must stay far below what a function may return, even if all of 500 records are invalid.
MAX_FAULTS_OF_A_KIND = 8
MAX_RECORD_FAULTS = 16
_MAX_NAME_ASCII, _MAX_NAME = 64, 32  # characters shown of a name; one outside ASCII takes up to twelve bytes


def text_fault(field: str, value: object, longest: int, *, shortest: int = 1) -> Fault | None:
    """Return what is wrong with a string of `shortest` to `longest` printable characters, or None."""
    if not isinstance(value, str):
        return Fault(field, "not_a_string", "must be a string")
    if len(value) < shortest:
        return Fault(field, "empty", "must not be empty")
    if len(value) > longest:
        return Fault(field, "too_long", f"must have at most {longest} characters")
    if not value.isprintable():
        return Fault(field, "invalid_characters", "must contain printable characters only")
    return None


def displayed_name(name: str) -> str:
    """Return a name of the request for a response: of bounded length, and valid UTF-8."""
    longest = _MAX_NAME_ASCII if name.isascii() else _MAX_NAME
    displayed = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return displayed.encode("utf-8", "replace").decode("utf-8")


def refuse(field: str, code: str, message: str) -> Refused:
    """Return the refusal for one fault."""
    return Refused([Fault(field, code, message)])
