"""The document of a rating: what was rated, at which price, step by step; and that of an adjustment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import adjustment, total
from fusion_billing.billing.pricing import PricedSubscription, Pricing
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.charge import Charge
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import EXACT, ZERO, plain
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.rating.exact import in_words
from fusion_billing.rating.result import lump, note
from fusion_billing.rating.span_phrases import dates

RULES = 2
"""The rules that rated a document. Those of the first release, whose documents name none, priced a change of
price in mid-period, levels and quotients otherwise (CHANGELOG.md)."""


@dataclass(frozen=True, slots=True)
class Span:
    """A billing period's bounds."""

    start: datetime
    end: datetime

    def as_json(self) -> dict[str, str]:
        """Return the bounds as a document has them."""
        return {"period_start": rfc3339(self.start), "period_end": rfc3339(self.end)}


def rating_document(price: Pricing, who: PricedSubscription, period: Span, rated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a period's own rating; `rated` is the engine's result as JSON."""
    charge, metric = price.charge, price.metric
    doc: dict[str, Any] = {
        "charge": charge.code,
        "charge_name": charge.name,
        "metric": metric.code,
        "unit": metric.unit,
        "plan": who.plan,
        "odoo_order_id": who.odoo_order_id,
        "odoo_product_id": charge.odoo_product_id,
        "timezone": who.timezone,
        "rules": RULES,
        **period.as_json(),
        **rated,
        **price.as_json,
    }
    if charge.names:
        doc["names"] = dict(charge.names)
    return doc | _for_the_order_line(charge)


def _for_the_order_line(charge: Charge) -> dict[str, Any]:
    """Return what the order line alone needs; nothing where the charge says nothing special."""
    json = charge.as_json()
    return {name: json[name] for name in ("tax_behavior", "analytic_distribution") if name in json}


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What an invoiced period brought onto invoices: by its own line, and by later periods' adjustments."""

    billed: Decimal
    adjusted: Sequence[tuple[datetime, Decimal]] = ()

    @property
    def total(self) -> Decimal:
        """Return the sum of it all."""
        return total([self.billed, *(amount for _, amount in self.adjusted)])


def by_rules_of(before: Mapping[str, Any] | None, fresh: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an invoiced period's document rated afresh, at the amount of `before` if only rules changed.

    `before` is the newest document about the period. What an earlier release rated by its rules and invoiced
    is not billed anew because the rules are others now; once its usage changes, the present ones rate it all.
    """
    if before is None or "rules" in before or before["units"] != fresh["units"]:
        return fresh
    rated = before.get("corrects", before)
    same = {name: value for name, value in fresh.items() if name != "rules"}
    return {**same, "amount": rated["amount"], "unrounded_amount": rated["amount"], "steps": rated["steps"]}


def adjustment_document(fresh: Mapping[str, Any], *, billed_in: Span, invoiced: Invoiced) -> dict[str, Any]:
    """Return the document of the adjustment that an invoiced period is due in the open one.

    `fresh` is the rating document of the invoiced period as all its records make it now; its amount
    less all that was invoiced is the adjustment's, in the same digits.
    """
    rated = Decimal(fresh["amount"])
    line_item = adjustment(rated, invoiced.billed, [amount for _, amount in invoiced.adjusted])
    currency = fresh["currency"]
    days = dates(parse_instant(fresh["period_start"]), parse_instant(fresh["period_end"]), fresh["timezone"])
    units = in_words(Decimal(fresh["units"]))
    steps = [
        lump(f"{days}, rated again: {units} {'unit' if units == '1' else 'units'}", rated),
        lump("Less what its own line was invoiced at", EXACT.minus(invoiced.billed)),
    ]
    steps += [
        lump(f"Less the adjustment invoiced with {_day_of(at, fresh['timezone'])}", EXACT.minus(amount))
        for at, amount in invoiced.adjusted
    ]
    return {
        **fresh,
        **billed_in.as_json(),
        "amount": with_digits(line_item, currency),
        "unrounded_amount": plain(line_item),
        "steps": [step.as_dict() for step in steps],
        "corrects": {
            "period_start": fresh["period_start"],
            "period_end": fresh["period_end"],
            "amount": fresh["amount"],
            "invoiced_amount": with_digits(invoiced.total, currency),
            "steps": fresh["steps"],
        },
    }


def _day_of(start: datetime, timezone: str) -> str:
    """Return how a step names a later billing period: by the date it starts on."""
    return f"the period from {start.astimezone(ZoneInfo(timezone)).date().isoformat()}"


def billed_to(doc: Mapping[str, Any], customer: BilledSubscription, billed_in: Period, now: datetime) -> dict[str, Any]:
    """Return a rating's document with the order that invoices it.

    What is still to be billed of a subscription that has ended needs a final invoice, which nobody but a
    person makes.
    """
    billed = {**doc, "odoo_order_id": customer.order_for(billed_in)}
    if billed_in.state == "open" and customer.has_ended(now):
        billed["final_invoice"] = True
    return billed


_NO_LONGER = "The charge no longer applies"


def no_longer_charged(doc: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a rating whose charge no longer applies: it comes to nothing, and stays so.

    The price is kept, since what was invoiced of it is taken back by it, but prices nothing any more.
    """
    return {**come_to_nothing(doc, _NO_LONGER), "is_charged": False}


def is_charged(doc: Mapping[str, Any]) -> bool:
    """Tell whether the price that a rating's document keeps prices anything.

    Documents of earlier releases say by their only step alone that it does not.
    """
    only = doc["steps"][0]["description"] if len(doc.get("steps", ())) == 1 else ""
    return bool(doc.get("is_charged", only != _NO_LONGER))


def not_rated(doc: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the document of a rating of a period in which nothing is rated for now, for a `reason`.

    Its price is that of before, and may be out of date by the time the period is rated again.
    """
    return {**come_to_nothing(doc, reason), "is_rated": False}


def is_up_to_date(doc: Mapping[str, Any]) -> bool:
    """Tell whether the price that a rating's document keeps is what priced it last."""
    return is_charged(doc) and bool(doc.get("is_rated", True))


def come_to_nothing(doc: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the document of a rating that comes to nothing, for a `reason` in words."""
    nothing = {"units": "0", "included_units": "0", "overage_units": "0", "billable_units": "0"}
    return {
        **doc,
        **nothing,
        "amount": with_digits(ZERO, doc["currency"]),
        "unrounded_amount": "0",
        "steps": [note(reason, ZERO).as_dict()],
    }
