"""The event catalogue: every type of event, the shape of its data, and an example.

A receiver must ignore fields that it does not know: more may come. What is named here stays. `sequence` is
added by the outbox to every event about a subscription. Amounts and units are decimals as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints, ValidationError

Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
DecimalText = Annotated[str, StringConstraints(strict=True, pattern=r"^-?\d+(\.\d+)?$"), Field(examples=["12.5"])]
InstantText = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"),
    Field(json_schema_extra={"format": "date-time"}),
]
Count = Annotated[StrictInt, Field(ge=0)]


class Data(BaseModel):
    """What every event's data has in common: nothing but that more may be in it."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class SubscriptionData(Data):
    """Data about a subscription."""

    subscription: Text = Field(description="the subscription's id")
    sequence: Count | None = Field(
        default=None,
        description="rises with each event about this subscription; gaps are normal",
    )


class ChargeData(SubscriptionData):
    """Data about one charge in one billing period of a subscription."""

    charge: Text = Field(description="the charge's code")
    metric: Text | None = Field(default=None, description="the code of the metric that the charge prices")
    period_start: InstantText = Field(description="start of the billing period")
    period_end: InstantText = Field(description="end of the billing period, exclusive")


class ThresholdReached(ChargeData):
    """A charge passed a threshold: a share of its included units, or an amount."""

    threshold_percent: Count | DecimalText | None = Field(
        default=None, description="the share of the included units that was passed"
    )
    threshold_amount: DecimalText | None = Field(default=None, description="the amount that was passed")
    units: DecimalText = Field(description="units so far")
    included_units: DecimalText
    amount: DecimalText | None = Field(default=None, description="what they cost so far")
    currency: Text | None = None


class UsageLate(ChargeData):
    """Usage arrived for a period that is invoiced already; the difference is billed as an adjustment."""

    units: DecimalText = Field(description="the period's units as they are now")
    amount: DecimalText = Field(description="what the period's units cost now")
    invoiced_amount: DecimalText | None = Field(default=None, description="what was invoiced for them")
    adjustment_amount: DecimalText = Field(description="the difference, with its sign")
    currency: Text


class RatingUpdated(ChargeData):
    """A charge of a billing period was rated, and the result is another than before."""

    version: Count = Field(description="the rating's version; it never goes back")
    units: DecimalText
    included_units: DecimalText
    overage_units: DecimalText
    amount: DecimalText
    currency: Text
    corrects: InstantText | None = Field(
        default=None, description="for an adjustment: start of the invoiced period that it corrects"
    )


class PeriodInvoiced(SubscriptionData):
    """Odoo invoiced a billing period: its ratings never change again.

    After a subscription's end each final invoice closes one, which may lie ahead by then.
    """

    period_start: InstantText
    period_end: InstantText
    invoiced_at: InstantText | None = None


class StatementClosed(SubscriptionData):
    """A closed billing period has its statement: what was rated and invoiced never changes in it."""

    period_start: InstantText
    period_end: InstantText
    rated: DecimalText = Field(description="the period's own ratings")
    adjusted: DecimalText = Field(description="adjustments of earlier periods billed with it")
    invoiced: DecimalText = Field(description="what Odoo's invoice says")
    difference: DecimalText = Field(description="rated and adjusted, less invoiced")
    currency: Text
    hash: Text = Field(description="of the statement; the next one names it")


class LineUpserted(ChargeData):
    """A rating was written to its line of the sales order in Odoo, and read back."""

    line: Text = Field(description="the line's id here")
    odoo_line_id: Count | None = Field(default=None, description="id of the `sale.order.line`")
    odoo_order_id: Count | None = Field(default=None, description="id of the `sale.order`")
    version: Count = Field(description="the rating's version that the line now carries")
    quantity: DecimalText
    unit_price: DecimalText
    amount: DecimalText = Field(description="the line's subtotal")
    currency: Text
    corrects: InstantText | None = Field(
        default=None, description="for an adjustment: start of the invoiced period that it corrects"
    )


class LineParked(ChargeData):
    """A line can't be written to Odoo as things are; a person has to look."""

    line: Text = Field(description="the line's id here")
    odoo_order_id: Count | None = None
    version: Count = Field(description="the rating's version that the line should carry")
    amount: DecimalText
    currency: Text
    reason: Text = Field(description="a stable word for programs")
    message: str = Field(default="", description="a sentence for people")


class LineChanged(ChargeData):
    """An order line is not as it was rated any more, or was copied: Odoo or a person changed it."""

    line: Text = Field(description="the line's id here; of a copy, that of its original")
    odoo_line_id: Count | None = Field(default=None, description="id of the `sale.order.line` found")
    odoo_order_id: Count | None = Field(default=None, description="id of its `sale.order`")
    version: Count = Field(description="the rating's version")
    amount: DecimalText = Field(description="what was rated and acknowledged; 0 for a copy")
    odoo_amount: DecimalText | None = Field(
        default=None, description="what the line comes to in Odoo; null where it is gone"
    )
    currency: Text
    found: list[Text] = Field(description="what differs, each a stable word (docs/odoo.md, Guarding)")
    action: Text = Field(description="`repaired` (brought back to what was rated) or `reported`")
    message: str = Field(default="", description="a sentence for people")


class SubscriptionUpdated(SubscriptionData):
    """A subscription was created or changed, here or in Odoo."""

    odoo_order_id: Count | None = None
    plan: str | None = None
    state: Text = Field(description="Odoo's `subscription_state`; `3_progress` is in progress")
    currency: Text | None = None
    next_invoice_date: str | None = Field(default=None, description="end of the open billing period")
    version: Count = Field(description="the subscription's version here")


class SubscriptionRenewed(SubscriptionData):
    """Another order of Odoo's took a subscription over: what is not invoiced goes onto it."""

    odoo_order_id: Count = Field(description="id of the `sale.order` that invoices it from now on")
    previous_odoo_order_id: Count = Field(description="id of the `sale.order` that did")
    renewed_at: InstantText = Field(description="when the order begins")
    plan: Text
    currency: Text


class SubscriptionEnded(SubscriptionData):
    """A subscription is over: usage from its end on is refused, and Odoo invoices nothing more by itself."""

    odoo_order_id: Count
    ended_at: InstantText
    reason: Text = Field(
        description="`churned`, `renewed` into an order that is not known here, or `end_date`: it has passed"
    )
    unbilled_amount: DecimalText | None = Field(
        default=None, description="what was rated and not invoiced so far; it takes a final invoice"
    )
    currency: Text


class EndpointDisabled(Data):
    """An endpoint is no longer served: it answered 410, or every try failed for five days."""

    endpoint: Text = Field(description="the endpoint's id")
    url: Text
    reason: Text = Field(description="`gone` (it answered 410) or `failing` (five days of failures)")
    disabled_at: InstantText
    failing_since: InstantText | None = None


class EndpointTest(Data):
    """Sent on request, to see that an endpoint works."""

    endpoint: Text = Field(description="the endpoint's id")
    message: str


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event: its name, the shape of its data, and an example of it."""

    name: str
    model: type[Data]
    example: Mapping[str, Any]

    @property
    def summary(self) -> str:
        """Return what it tells, in a sentence."""
        return (self.model.__doc__ or "").strip()


_PERIOD = {"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"}
_CHARGE = {"subscription": "42", "charge": "api_calls", "metric": "api_calls", **_PERIOD}

CATALOGUE: Mapping[str, EventType] = {
    one.name: one
    for one in (
        EventType(
            "usage.threshold_reached",
            ThresholdReached,
            {
                **_CHARGE,
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
                **_CHARGE,
                "units": "1300",
                "amount": "1.20",
                "invoiced_amount": "1.00",
                "adjustment_amount": "0.20",
                "currency": "USD",
                "sequence": 31,
            },
        ),
        EventType(
            "rating.updated",
            RatingUpdated,
            {
                **_CHARGE,
                "version": 3,
                "units": "1250",
                "included_units": "1000",
                "overage_units": "250",
                "amount": "1.00",
                "currency": "USD",
                "sequence": 18,
            },
        ),
        EventType(
            "period.invoiced",
            PeriodInvoiced,
            {"subscription": "42", **_PERIOD, "invoiced_at": "2026-12-01T03:00:12Z", "sequence": 30},
        ),
        EventType(
            "statement.closed",
            StatementClosed,
            {
                "subscription": "42",
                **_PERIOD,
                "rated": "104.50",
                "adjusted": "1.00",
                "invoiced": "105.50",
                "difference": "0.00",
                "currency": "USD",
                "hash": "5f8a3c1d9e7b2046a1c3e5079b8d2f4611aa22bb33cc44dd55ee66ff77889900",
                "sequence": 33,
            },
        ),
        EventType(
            "line.upserted",
            LineUpserted,
            {
                **_CHARGE,
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
            "line.parked",
            LineParked,
            {
                **_CHARGE,
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
                **_CHARGE,
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
        EventType(
            "subscription.updated",
            SubscriptionUpdated,
            {
                "subscription": "42",
                "odoo_order_id": 42,
                "plan": "Pro",
                "state": "3_progress",
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
        EventType(
            "endpoint.disabled",
            EndpointDisabled,
            {
                "endpoint": "ep_5Z0Y8Q2M4R6T1V3X",
                "url": "https://billing.example.com/webhooks",
                "reason": "failing",
                "disabled_at": "2026-11-20T10:00:00Z",
                "failing_since": "2026-11-15T09:58:00Z",
            },
        ),
        EventType(
            "endpoint.test",
            EndpointTest,
            {"endpoint": "ep_5Z0Y8Q2M4R6T1V3X", "message": "This is a test event."},
        ),
    )
}


def check(type_: str, data: Mapping[str, Any]) -> None:
    """Return if `data` is as the catalogue says for `type_`.

    Raises `ValueError` where it is not: the caller's mistake, not a user's. The message names the
    fields and never quotes their values.
    """
    known = CATALOGUE.get(type_)
    if known is None:
        raise ValueError(f"{type_} is not in the event catalogue")
    try:
        known.model.model_validate(data)
    except ValidationError as error:
        faults = ", ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_input=False)
        )
        raise ValueError(f"the data of {type_} is not as the catalogue says: {faults}") from None
