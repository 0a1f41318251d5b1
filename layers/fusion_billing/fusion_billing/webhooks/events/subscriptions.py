"""Events about subscriptions: updated, renewed, ended."""

from pydantic import Field

from fusion_billing.billing_periods.subscription_states import IN_PROGRESS
from fusion_billing.webhooks.events.payload import Count, DecimalText, EventType, InstantText, SubscriptionData, Text


class SubscriptionUpdated(SubscriptionData):
    """A subscription was created or changed, in this service or in Odoo."""

    odoo_order_id: Count | None = None
    plan: str | None = None
    state: Text = Field(description=f"Odoo's `subscription_state`; `{IN_PROGRESS}` is in progress")
    currency: Text | None = None
    next_invoice_date: str | None = Field(default=None, description="end of the current billing period")
    version: Count = Field(description="version of the subscription in this service")


class SubscriptionRenewed(SubscriptionData):
    """Another sales order renewed a subscription; what is not invoiced yet is billed on it."""

    odoo_order_id: Count = Field(description="ID of the `sale.order` that invoices it from now on")
    previous_odoo_order_id: Count = Field(description="ID of the `sale.order` that invoiced it before")
    renewed_at: InstantText = Field(description="start of the new order")
    plan: Text
    currency: Text


class SubscriptionEnded(SubscriptionData):
    """A subscription ended: usage after its end is rejected, and Odoo creates no more recurring invoices."""

    odoo_order_id: Count
    ended_at: InstantText
    reason: Text = Field(
        description="`churned`, `renewed` (by an order that this service does not know), or `end_date` (it passed)"
    )
    unbilled_amount: DecimalText | None = Field(
        default=None, description="amount that is rated but not invoiced; bill it with a final invoice"
    )
    currency: Text


EVENTS = (
    EventType(
        "subscription.updated",
        SubscriptionUpdated,
        {
            "subscription": "42",
            "odoo_order_id": 42,
            "plan": "Pro",
            "state": IN_PROGRESS,
            "currency": "USD",
            "next_invoice_date": "2026-12-01",
            "version": 2,
            "sequence": 1,
        },
    ),
    EventType(
        "subscription.renewed",
        SubscriptionRenewed,
        {
            "subscription": "42",
            "odoo_order_id": 57,
            "previous_odoo_order_id": 42,
            "renewed_at": "2026-12-01T00:00:00Z",
            "plan": "Pro",
            "currency": "USD",
            "sequence": 40,
        },
    ),
    EventType(
        "subscription.ended",
        SubscriptionEnded,
        {
            "subscription": "42",
            "odoo_order_id": 57,
            "ended_at": "2026-12-15T00:00:00Z",
            "reason": "churned",
            "unbilled_amount": "13.00",
            "currency": "USD",
            "sequence": 52,
        },
    ),
)
