"""The event about a rating that changed."""

from pydantic import Field

from fusion_billing.webhooks.events.payload import CHARGE, ChargeData, Count, DecimalText, EventType, InstantText, Text


class RatingUpdated(ChargeData):
    """A charge was rated for a billing period, and the result changed."""

    version: Count = Field(description="version of the rating; it never decreases")
    units: DecimalText
    included_units: DecimalText
    overage_units: DecimalText
    amount: DecimalText
    currency: Text
    corrects: InstantText | None = Field(
        default=None, description="for an adjustment: start of the invoiced billing period that it corrects"
    )


EVENTS = (
    EventType(
        "rating.updated",
        RatingUpdated,
        {
            **CHARGE,
            "version": 3,
            "units": "1250",
            "included_units": "1000",
            "overage_units": "250",
            "amount": "1.00",
            "currency": "USD",
            "sequence": 18,
        },
    ),
)
