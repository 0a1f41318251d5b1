"""Define a subscription: a recurring Odoo sales order, as far as billing usage needs it."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from fusion_billing.billing_periods.schedule import local_midnight, zone_of
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.billing_periods.subscription_states import CHURNED, SubscriptionState
from fusion_billing.catalog.field_types import Currency, Identifier, SubscriptionId, Text, as_error, text, whole_number
from fusion_billing.catalog.identifiers import DATE, ID_RULE, MAX_ALIASES, MAX_INTERVAL, SUBSCRIPTION_ID
from fusion_billing.catalog.overrides import Overrides, override_faults, overrides_json
from fusion_billing.catalog.valid_from import Start, instant_of
from fusion_billing.catalog.validation import Definition
from fusion_billing.errors import Fault, Refused
from fusion_billing.json_types import JsonObject

_LANGUAGE = re.compile(r"[a-z]{2,3}([_@-][A-Za-z]{2,8}){0,2}", re.ASCII)
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and DATE.fullmatch(value) else None
    except ValueError:
        raise PydanticCustomError("not_a_date", "must be a date that exists") from None
    if day is None:
        raise PydanticCustomError("not_a_date", "must be a date such as 2026-11-30")
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise PydanticCustomError("out_of_range", "must lie in the years 1970 to 2999")
    return day


def _interval(value: object) -> int:
    number = whole_number(value)
    if not 1 <= number <= MAX_INTERVAL:
        raise PydanticCustomError("out_of_range", f"must be from 1 to {MAX_INTERVAL}")
    return number


def _zone(value: object) -> str:
    try:
        zone_of(text(value))
    except Refused as refused:
        raise as_error(refused) from None
    return str(value)


def _language(value: object) -> str:
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise PydanticCustomError("invalid_language", "must be an Odoo language such as fr_BE")
    return value


def _customer(value: object) -> str | int:
    return text(value) if isinstance(value, str) else whole_number(value)


def _aliases(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise PydanticCustomError("not_a_list", "must be a list")
    if len(value) > MAX_ALIASES:
        raise PydanticCustomError("too_many", f"must have at most {MAX_ALIASES} entries")
    if not all(isinstance(alias, str) and SUBSCRIPTION_ID.fullmatch(alias) for alias in value):
        raise PydanticCustomError("invalid_identifier", ID_RULE.replace("must", "must each"))
    return tuple(dict.fromkeys(value))


Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A date in the time zone of the subscription."""

Interval = Annotated[
    int, PlainValidator(_interval), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_INTERVAL})
]
Zone = Annotated[str, PlainValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Brussels"]})]
Language = Annotated[str, PlainValidator(_language), WithJsonSchema({"type": "string", "examples": ["fr_BE"]})]
CustomerName = Annotated[
    str | int, PlainValidator(_customer), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]})
]
"""The customer: a name, or the id of the `res.partner`."""

Aliases = Annotated[
    tuple[str, ...],
    PlainValidator(_aliases),
    PlainSerializer(list, return_type=list[str]),
    WithJsonSchema(
        {
            "type": "array",
            "maxItems": MAX_ALIASES,
            "items": {"type": "string", "pattern": f"^{SUBSCRIPTION_ID.pattern}$"},
        }
    ),
]


class BillingPeriod(Definition):
    """The plan's interval."""

    value: Interval
    unit: Literal["day", "week", "month", "year"]


class Subscription(Definition):
    """What is billed to whom, how often, and until when usage goes onto the next invoice."""

    id: SubscriptionId
    odoo_order_id: Identifier
    name: Text
    customer_name: CustomerName
    plan: Text
    state: SubscriptionState
    currency: Currency
    timezone: Zone
    start_date: Day
    billing_period: BillingPeriod
    next_invoice_date: Day
    end_date: Day | None = None
    lang: Language | None = None
    overrides: Overrides | None = None
    aliases: Aliases | None = None
    billed_from: Start | None = None
    payment_exception: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _partner_is_the_customer(cls, raw: Any) -> Any:
        """Take `partner`, as the field was called: in what is stored, and in what callers still send."""
        if not isinstance(raw, dict) or "partner" not in raw:
            return raw
        rest = {name: value for name, value in raw.items() if name != "partner"}
        return {"customer_name": raw["partner"], **rest}

    @classmethod
    def cross_faults(cls, raw: JsonObject) -> Iterator[Fault]:
        """Yield what is wrong between fields: an end before the start, an override within itself."""
        if "partner" in raw and "customer_name" in raw and raw["partner"] != raw["customer_name"]:
            yield Fault("partner", "mismatch", "must equal customer_name, its new name, or be left out")
        start, end = _lenient_day(raw.get("start_date")), _lenient_day(raw.get("end_date"))
        # One that is closed before it begins, as Odoo does it, never lived: that is no fault.
        if start is not None and end is not None and end < start and raw.get("state") != CHURNED:
            yield Fault("end_date", "end_before_start", "must not be before start_date")
        yield from (fault.under("overrides") for fault in override_faults(raw.get("overrides")))

    def as_json(self) -> JsonObject:
        """Return the JSON object of the HTTP contract."""
        json = super().as_json()
        if self.overrides:
            json["overrides"] = overrides_json(self.overrides)
        return json

    @property
    def ends(self) -> datetime | None:
        """The first instant after its last day, None where it has none."""
        return None if self.end_date is None else local_midnight(self.end_date + timedelta(days=1), self.timezone)

    @property
    def rated_from(self) -> datetime:
        """The instant from which on usage is rated: its start, or `billed_from` if that is later."""
        billed_from = instant_of(self.billed_from, self.timezone)
        return self.terms.begin if billed_from is None else max(self.terms.begin, billed_from)

    @property
    def terms(self) -> Terms:
        """What of it decides its billing periods."""
        return Terms(
            self.start_date,
            self.next_invoice_date,
            self.billing_period.value,
            self.billing_period.unit,
            self.timezone,
        )


def _lenient_day(value: object) -> date | None:
    try:
        return _day(value)
    except PydanticCustomError:
        return None
