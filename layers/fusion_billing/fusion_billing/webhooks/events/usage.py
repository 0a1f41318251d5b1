"""Events about usage: a threshold that was reached, usage that arrived after the invoice."""

from pydantic import Field

from fusion_billing.webhooks.events.payload import CHARGE, ChargeData, Count, DecimalText, EventType, Text


class ThresholdReached(ChargeData):
    """A charge reached a threshold: a percentage of its included units, or an amount."""

    threshold_percent: Count | DecimalText | None = Field(
        default=None, description="the percentage of the included units that was reached"
    )
    threshold_amount: DecimalText | None = Field(default=None, description="the amount that was reached")
    units: DecimalText = Field(description="units used so far")
    included_units: DecimalText
    amount: DecimalText | None = Field(default=None, description="amount of the period so far")
    currency: Text | None = None


class UsageLate(ChargeData):
    """Usage arrived for a billing period that is already invoiced; the difference is billed as an adjustment."""

    units: DecimalText = Field(description="units of the period, including the late usage")
    amount: DecimalText = Field(description="amount of the period, including the late usage")
    invoiced_amount: DecimalText | None = Field(default=None, description="amount that was invoiced for the period")
    adjustment_amount: DecimalText = Field(description="signed difference")
    currency: Text


EVENTS = (
    EventType(
        "usage.threshold_reached",
        ThresholdReached,
        {
            **CHARGE,
            "threshold_percent": 80,
            "units": "812",
            "included_units": "1000",
            "amount": "0.00",
            "currency": "USD",
            "sequence": 17,
        },
    ),
    EventType(
        "usage.late",
        UsageLate,
        {
            **CHARGE,
            "units": "1300",
            "amount": "1.20",
            "invoiced_amount": "1.00",
            "adjustment_amount": "0.20",
            "currency": "USD",
            "sequence": 31,
        },
    ),
)
