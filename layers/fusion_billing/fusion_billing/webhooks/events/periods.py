"""Events about billing periods: invoiced, and closed with a statement."""

from pydantic import Field

from fusion_billing.webhooks.events.payload import PERIOD, DecimalText, EventType, InstantText, SubscriptionData, Text


class PeriodInvoiced(SubscriptionData):
    """Odoo invoiced a billing period; its ratings never change again.

    After the end of a subscription, each final invoice closes one period; that period may still be running.
    """

    period_start: InstantText
    period_end: InstantText
    invoiced_at: InstantText | None = None


class StatementClosed(SubscriptionData):
    """The statement of a closed billing period was issued; it never changes."""

    period_start: InstantText
    period_end: InstantText
    rated: DecimalText = Field(description="total of the ratings of the period")
    adjusted: DecimalText = Field(description="total of the adjustments of earlier periods that are billed with it")
    invoiced: DecimalText = Field(description="total that Odoo invoiced")
    difference: DecimalText = Field(description="`rated` plus `adjusted` minus `invoiced`")
    currency: Text
    hash: Text = Field(description="hash of the statement; the next statement contains it")


EVENTS = (
    EventType(
        "period.invoiced",
        PeriodInvoiced,
        {"subscription": "42", **PERIOD, "invoiced_at": "2026-12-01T03:00:12Z", "sequence": 30},
    ),
    EventType(
        "statement.closed",
        StatementClosed,
        {
            "subscription": "42",
            **PERIOD,
            "rated": "104.50",
            "adjusted": "1.00",
            "invoiced": "105.50",
            "difference": "0.00",
            "currency": "USD",
            "hash": "5f8a3c1d9e7b2046a1c3e5079b8d2f4611aa22bb33cc44dd55ee66ff77889900",
            "sequence": 33,
        },
    ),
)
