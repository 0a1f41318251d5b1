"""A rating in the list of all subscriptions, as responses and CSV show it."""

from datetime import datetime
from typing import NotRequired, TypedDict

from functions.admin.services.rating_json import RatedLineJson, rated_line_json
from fusion_billing.billing.rating import StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.catalog.stored_subscription import Listed
from fusion_billing.instants import rfc3339

COLUMNS = (
    "customer_name",
    "subscription",
    "subscription_name",
    "plan",
    "charge",
    "charge_name",
    "metric",
    "unit",
    "period_start",
    "period_end",
    "state",
    "units",
    "included_units",
    "billable_units",
    "amount",
    "currency",
    "corrects",
    "version",
    "line.id",
    "line.state",
    "line.odoo_line_id",
    "line.amount",
)
"""The columns of the list as CSV."""


class ListedRatingJson(TypedDict):
    """A rating with its subscription's names; an adjustment has `corrects`, the start of the period it corrects."""

    customer_name: str | int | None
    subscription: str
    subscription_name: str | None
    plan: str
    charge: str
    charge_name: str
    metric: str
    unit: str | None
    period_start: str
    period_end: str
    timezone: str
    state: str
    units: str
    included_units: str
    billable_units: str
    amount: str
    currency: str
    version: int
    line: RatedLineJson | None
    corrects: NotRequired[str]


def listed_rating_json(
    rating: StoredRating, document: RatingDocument, listed: Listed | None, now: datetime
) -> ListedRatingJson:
    """Return a rating as a list shows it; `listed` is None if its subscription is deleted."""
    subscription = None if listed is None else listed.subscription
    shown: ListedRatingJson = {
        "customer_name": None if subscription is None else subscription.customer_name,
        "subscription": rating.key.subscription,
        "subscription_name": None if subscription is None else subscription.name,
        "plan": document.plan,
        "charge": rating.key.charge,
        "charge_name": document.charge_name,
        "metric": document.metric,
        "unit": document.unit,
        "period_start": rfc3339(document.period_start),
        "period_end": rfc3339(document.period_end),
        "timezone": document.timezone,
        "state": state_of(rating, document, now),
        "units": document.units,
        "included_units": document.included_units,
        "billable_units": document.billable_units,
        "amount": document.amount,
        "currency": document.currency,
        "version": rating.version,
        "line": rated_line_json(rating),
    }
    if rating.key.corrects is not None:
        shown["corrects"] = rfc3339(rating.key.corrects)
    return shown


def state_of(rating: StoredRating, document: RatingDocument, now: datetime) -> str:
    """Return the state of a rating's period: invoiced, open, or upcoming if it has not begun."""
    if rating.frozen:
        return "invoiced"
    return "upcoming" if document.period_start > now else "open"
