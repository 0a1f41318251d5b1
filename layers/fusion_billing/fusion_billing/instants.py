"""Parse and format instants: RFC 3339 with an offset outside, aware UTC datetimes inside."""

import re
from datetime import UTC, datetime

from fusion_billing.errors import Fault, Refused

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.(\d{1,9}))?(Z|z|[+-]\d{2}:\d{2})?", re.ASCII)

_SPACED_OFFSET = re.compile(r" (\d{2}:\d{2})\Z", re.ASCII)


def parse_instant(value: object, field: str = "") -> datetime:
    """Return `value`, RFC 3339 text with an offset, as an aware UTC datetime.

    Raises `Refused` with one fault at `field`: `not_an_instant`, or `missing_offset`, because a time without an offset
    means another instant to every reader. Digits past the microsecond are refused unless they are zeros, so that two
    windows never become one.
    """
    match = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if match is None or not isinstance(value, str):
        raise Refused([Fault(field, "not_an_instant", "must be RFC 3339, such as 2026-11-03T00:00:00Z")])
    fraction, offset = match.groups()
    if offset is None:
        raise Refused([Fault(field, "missing_offset", "must have a UTC offset, such as Z or +02:00")])
    if fraction is not None and fraction[6:].strip("0"):
        raise Refused([Fault(field, "not_an_instant", "must not be finer than a microsecond")])
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused([Fault(field, "not_an_instant", "must be a date and time of the calendar")]) from None


def parse_query_instant(text: str, field: str) -> datetime:
    """Parse an instant of a query string as `parse_instant` does; an unescaped `+` arrives there as a space."""
    return parse_instant(_SPACED_OFFSET.sub(r"+\1", text), field)


def rfc3339(instant: datetime) -> str:
    """Return an aware datetime as `2026-11-03T00:00:00Z`; with microseconds only if there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def sortable(instant: datetime) -> str:
    """Return an aware datetime as fixed-width UTC text, which sorts as the instants do."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)
