"""Define from when a price is valid: an instant, or a date, which begins at local midnight in each time zone."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from fusion_billing.billing_periods.schedule import local_midnight
from fusion_billing.catalog.field_types import as_error
from fusion_billing.catalog.identifiers import DATE
from fusion_billing.errors import Refused
from fusion_billing.instants import parse_instant, rfc3339

_FIRST_DAY, _LAST_DAY = date(2, 1, 1), date(9998, 12, 31)
"""Dates whose midnight exists in every time zone."""
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


def instant_of(valid_from: datetime | date | None, timezone: str = "UTC") -> datetime | None:
    """Return the instant from which a price is valid for a subscription in `timezone`; None: always."""
    if valid_from is None or isinstance(valid_from, datetime):
        return valid_from
    return local_midnight(valid_from, timezone)


def order_of(valid_from: datetime | date | None, timezone: str = "UTC") -> tuple[datetime, bool, date]:
    """Return a sort key that orders versions as they follow each other in `timezone`.

    Two may begin at the same instant: an instant and the date whose midnight it is, or two dates if the time zone
    skipped one. The date then follows the instant, and the later date the earlier one: the version that sorts last is
    in force, the other never is.
    """
    instant = instant_of(valid_from, timezone) or _SINCE_EVER
    is_day = valid_from is not None and not isinstance(valid_from, datetime)
    return instant, is_day, valid_from if is_day and valid_from is not None else date.min


def shown(valid_from: datetime | date) -> str:
    """Return it as it was given: RFC 3339, or a date."""
    return rfc3339(valid_from) if isinstance(valid_from, datetime) else valid_from.isoformat()


def _start(value: object) -> datetime | date:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError("missing_offset", "must have a UTC offset, such as Z or +02:00")
        return value.astimezone(UTC)
    if isinstance(value, date):
        return _in_range(value)
    if isinstance(value, str) and DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("not_a_date", "must be a date that exists") from None
        return _in_range(day)
    try:
        return parse_instant(value)
    except Refused as refused:
        raise as_error(refused) from None


def _in_range(day: date) -> date:
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise PydanticCustomError("out_of_range", "must be in the years 2 to 9998")
    return day


Start = Annotated[
    datetime | date,
    PlainValidator(_start),
    PlainSerializer(shown, return_type=str),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}], "examples": ["2026-12-01"]}
    ),
]
"""An aware UTC datetime, or a date; in JSON each as it was given."""
