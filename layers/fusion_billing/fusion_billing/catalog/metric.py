"""Define a metric: what is counted, and how the usage records of a period become one quantity."""

from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from fusion_billing.catalog.field_types import Code, Text, whole_number
from fusion_billing.catalog.identifiers import MAX_LEVEL_WINDOW, MAX_ROUNDING_DIGITS
from fusion_billing.catalog.levels import LEVEL
from fusion_billing.catalog.validation import Definition
from fusion_billing.errors import Fault, Refused

Aggregation = Literal["sum", "count", "max", "min", "last", "average", "unique_count", "time_weighted"]
Idempotency = Literal["key", "window"]
RoundingMode = Literal["up", "down", "half_up"]

DECIMAL_ROUNDING = {"up": ROUND_UP, "down": ROUND_DOWN, "half_up": ROUND_HALF_UP}
"""Rounding mode -> the mode of the decimal module; quantities are never negative, so up is away from zero."""

_FIRST = datetime.min.replace(tzinfo=UTC)


def _digits(value: object) -> int:
    number = whole_number(value)
    if abs(number) > MAX_ROUNDING_DIGITS:
        raise PydanticCustomError("out_of_range", f"must be between -{MAX_ROUNDING_DIGITS} and {MAX_ROUNDING_DIGITS}")
    return number


class QuantityRounding(Definition):
    """How a quantity is rounded before it is priced: `digits` past the point, negative for tens."""

    mode: RoundingMode
    digits: Annotated[int, PlainValidator(_digits), WithJsonSchema({"type": "integer"})] = 0


class Metric(Definition):
    """A metric: its unit, how usage records aggregate, and how the aggregate is rounded.

    `idempotency` is where the idempotency keys of its records come from: the app (`key`, as if it were None), or the
    window of each record. It never changes.
    """

    code: Code
    name: Text
    unit: Text | None = None
    aggregation: Aggregation
    rounding: QuantityRounding | None = Field(default=None)
    idempotency: Idempotency | None = None

    @property
    def by_window(self) -> bool:
        """Whether the idempotency keys of its records are derived from their windows."""
        return self.idempotency == "window"

    def records_from(self, start: datetime) -> datetime:
        """Return the earliest start of windows that may reach into a period that starts at `start`.

        A level counts in every period that its window overlaps, any other record in the period where its window starts.
        """
        if self.aggregation != LEVEL:
            return start
        return max(start, _FIRST + MAX_LEVEL_WINDOW) - MAX_LEVEL_WINDOW


def immutable_idempotency(stored: str) -> Refused:
    """Return the error of a metric whose `idempotency` is not the `stored` one of its records."""
    message = f"can't be changed from {stored}, which records of this code are stored under. Create another metric"
    return Refused([Fault("idempotency", "immutable", message)])
