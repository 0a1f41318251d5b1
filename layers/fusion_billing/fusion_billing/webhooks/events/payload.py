"""The parts that event payloads are made of: field types, base models, and what an event type is.

A receiver must ignore fields that it does not know: more may come. What is named here stays. `sequence` is
added by the outbox to every event about a subscription. Amounts and units are decimals as text.
"""

from dataclasses import dataclass
from inspect import cleandoc
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from fusion_billing.catalog.identifiers import DECIMAL
from fusion_billing.json_types import JsonMapping

EventName = Literal[
    "usage.threshold_reached",
    "usage.late",
    "rating.updated",
    "period.invoiced",
    "statement.closed",
    "line.upserted",
    "line.failed",
    "line.changed",
    "subscription.updated",
    "subscription.renewed",
    "subscription.ended",
    "endpoint.disabled",
    "endpoint.test",
]
"""Every event type. `registry.EVENT_TYPES` describes each of them; a test proves that the two agree."""

Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
DecimalText = Annotated[str, StringConstraints(strict=True, pattern=f"^{DECIMAL.pattern}$"), Field(examples=["12.5"])]
InstantText = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"),
    Field(json_schema_extra={"format": "date-time"}),
]
Count = Annotated[StrictInt, Field(ge=0)]


class Data(BaseModel):
    """Base of all payloads: unknown fields are allowed, since more may come."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class SubscriptionData(Data):
    """A payload about a subscription."""

    subscription: Text = Field(description="ID of the subscription")
    sequence: Count | None = Field(
        default=None,
        description="increases with each event about this subscription; gaps are normal",
    )


class ChargeData(SubscriptionData):
    """A payload about one charge in one billing period of a subscription."""

    charge: Text = Field(description="code of the charge")
    metric: Text | None = Field(default=None, description="code of the metric that the charge prices")
    period_start: InstantText = Field(description="start of the billing period")
    period_end: InstantText = Field(description="end of the billing period (exclusive)")


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event: its name, the shape of its data, and an example of it."""

    name: EventName
    model: type[Data]
    example: JsonMapping

    @property
    def summary(self) -> str:
        """Return what the event reports."""
        return cleandoc(self.model.__doc__ or "")


PERIOD = {"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"}
CHARGE = {"subscription": "42", "charge": "api_calls", "metric": "api_calls", **PERIOD}
"""What the examples of several events share."""
