"""Events about order lines in Odoo: written, failed, or changed by somebody else."""

from pydantic import Field

from fusion_billing.webhooks.events.payload import CHARGE, ChargeData, Count, DecimalText, EventType, InstantText, Text


class LineUpserted(ChargeData):
    """A rating was written to its sales order line in Odoo and verified."""

    line: Text = Field(description="ID of the line in this service")
    odoo_line_id: Count | None = Field(default=None, description="ID of the `sale.order.line`")
    odoo_order_id: Count | None = Field(default=None, description="ID of the `sale.order`")
    version: Count = Field(description="version of the rating that was written")
    quantity: DecimalText
    unit_price: DecimalText
    amount: DecimalText = Field(description="subtotal of the line")
    currency: Text
    corrects: InstantText | None = Field(
        default=None, description="for an adjustment: start of the invoiced billing period that it corrects"
    )


class LineFailed(ChargeData):
    """A line could not be written to Odoo and needs an operator."""

    line: Text = Field(description="ID of the line in this service")
    odoo_order_id: Count | None = None
    version: Count = Field(description="version of the rating that should have been written")
    amount: DecimalText
    currency: Text
    reason: Text = Field(description="stable error code")
    message: str = Field(default="", description="human-readable explanation")


class LineChanged(ChargeData):
    """An order line in Odoo no longer matches its rating, or was copied: Odoo or a user changed it."""

    line: Text = Field(description="ID of the line in this service; for a copy, the ID of its original")
    odoo_line_id: Count | None = Field(default=None, description="ID of the `sale.order.line` that was found")
    odoo_order_id: Count | None = Field(default=None, description="ID of its `sale.order`")
    version: Count = Field(description="version of the rating")
    amount: DecimalText = Field(description="amount that was rated and acknowledged; 0 for a copy")
    odoo_amount: DecimalText | None = Field(
        default=None, description="amount of the line in Odoo; null if the line was deleted"
    )
    currency: Text
    found: list[Text] = Field(description="stable codes of what differs (docs/odoo-guard.md, Findings)")
    action: Text = Field(description="`repaired` (restored to what was rated) or `reported`")
    message: str = Field(default="", description="human-readable explanation")


EVENTS = (
    EventType(
        "line.upserted",
        LineUpserted,
        {
            **CHARGE,
            "line": "42~20261101T000000Z~api_calls",
            "odoo_line_id": 981,
            "odoo_order_id": 42,
            "version": 3,
            "quantity": "250",
            "unit_price": "0.004",
            "amount": "1.00",
            "currency": "USD",
            "sequence": 19,
        },
    ),
    EventType(
        "line.failed",
        LineFailed,
        {
            **CHARGE,
            "line": "42~20261101T000000Z~api_calls",
            "odoo_order_id": 42,
            "version": 3,
            "amount": "1.00",
            "currency": "USD",
            "reason": "order_locked",
            "message": "The sales order is locked.",
            "sequence": 20,
        },
    ),
    EventType(
        "line.changed",
        LineChanged,
        {
            **CHARGE,
            "line": "42~20261101T000000Z~api_calls",
            "odoo_line_id": 981,
            "odoo_order_id": 42,
            "version": 3,
            "amount": "1.00",
            "odoo_amount": "2497.50",
            "currency": "USD",
            "found": ["subtotal"],
            "action": "repaired",
            "message": "rated 1.00, Odoo has 2497.50: its amount without taxes differs",
            "sequence": 21,
        },
    ),
)
