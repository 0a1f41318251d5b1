"""Read subscriptions from Odoo: sales orders with a plan, in pages, as the JSON of this service.

The result is not validated here: `catalog.subscription` does that, and what it refuses is reported with the
name of the order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fusion_billing.billing_periods.subscription_states import CHURNED, QUOTATION, RUNNING, UPSELL
from fusion_billing.catalog.identifiers import MAX_TEXT
from fusion_billing.displayed_text import on_one_line, shortened
from fusion_billing.odoo.client import Domain, Odoo, Row
from fusion_billing.odoo.errors import InvalidCall, OdooError, SubscriptionsNotInstalled
from fusion_billing.odoo.orders import many2one

_FIELDS = (
    "name",
    "partner_id",
    "state",
    "subscription_state",
    "plan_id",
    "currency_id",
    "company_id",
    "start_date",
    "next_invoice_date",
    "end_date",
)
_CHAIN_FIELDS = ("subscription_id", "origin_order_id")
"""The parent contract, and the first one: not every version has both."""
_PAYMENT_EXCEPTION = "payment_exception"
_CONFIRMED = ("sale", "done")
_MOST_LINKS = 100
_DEFAULT_ZONE = "UTC"  # what Odoo itself goes by where a company has none

_DEFAULT_LANGUAGE = "en_US"  # the language of a customer if none was chosen

IS_SUBSCRIPTION: tuple[str, str, bool] = ("is_subscription", "=", True)
_IS_UPSELL: tuple[str, str, str] = ("subscription_state", "=", UPSELL)
"""Enterprise says of an upsell order that it is no subscription: its lines are in its parent's."""


@dataclass(frozen=True, slots=True)
class ReadSubscription:
    """An order as read: its display name, whether it runs, and the JSON of a subscription.

    `parent` is the order that it renews or adds to, `origin` the first contract; 0 where there is none.
    `confirmed` is true for a sale, false for a quotation or a canceled order.
    """

    order: int
    name: str
    running: bool
    document: dict[str, object] = field(repr=False)
    parent: int = 0
    origin: int = 0
    confirmed: bool = True


class Reader:
    """Read subscriptions; plans, companies and customers that they share are read once a page."""

    def __init__(self, odoo: Odoo) -> None:
        self._odoo = odoo
        self._plans: dict[int, Row] = {}
        self._zones: dict[int, str] = {}
        self._optional: tuple[str, ...] | None = None

    def pages(self, domain: Domain, *, after: int = 0, size: int = 200) -> Iterator[list[ReadSubscription]]:
        """Yield the matching subscriptions by ascending order ID, after the ID `after`.

        Raises `SubscriptionsNotInstalled` if sales orders have no subscription fields.
        """
        reached = ["|", IS_SUBSCRIPTION, _IS_UPSELL, ["id", ">", after], *domain]
        try:
            for page in self._odoo.pages("sale.order", reached, self._fields(), size=size):
                yield self._parse_page(page)
        except InvalidCall:
            name = IS_SUBSCRIPTION[0]
            if name in self._odoo.fields("sale.order", [name]):
                raise
            raise SubscriptionsNotInstalled(
                "Subscriptions (sale_subscription) is not installed",
                name=name,
            ) from None

    def family(self, page: Iterable[ReadSubscription], besides: Iterable[int] = ()) -> dict[int, ReadSubscription]:
        """Return the orders of a page, and all that renew them, add to them, or that they renew or add to.

        `besides` are orders that belong with them by what is stored. Where Odoo has no field that chains
        orders, those of the page and these.
        """
        rows = {row.order: row for row in page}
        links = [name for name in self._fields() if name in _CHAIN_FIELDS]
        asked: set[int] = set()
        pending = set(rows) | set(besides)
        for _ in range(_MOST_LINKS):
            pending -= asked
            if not pending:
                break
            asked |= pending
            found = self._around(sorted(pending), sorted(pending - set(rows)), links)
            rows |= {row.order: row for row in found}
            fresh = [rows[order] for order in pending if order in rows] + found
            pending = {order for row in fresh for order in (row.order, row.parent, row.origin) if order}
        return rows

    def _around(self, orders: list[int], unread: list[int], links: list[str]) -> list[ReadSubscription]:
        """Return the orders not read yet, and those whose parent or first contract one of `orders` is."""
        requested: list[list[Any]] = [["id", "in", unread]] if unread else []
        requested += [[name, "in", orders] for name in links]
        if not requested:
            return []
        domain = [*["|"] * (len(requested) - 1), *requested]
        return [
            row for page in self._odoo.pages("sale.order", domain, self._fields()) for row in self._parse_page(page)
        ]

    def _fields(self) -> tuple[str, ...]:
        """Return what to read of an order: what every version has, and what this one has besides."""
        if self._optional is None:
            known = self._odoo.fields("sale.order", [*_CHAIN_FIELDS, _PAYMENT_EXCEPTION])
            self._optional = tuple(name for name in (*_CHAIN_FIELDS, _PAYMENT_EXCEPTION) if name in known)
        return _FIELDS + self._optional

    def there(self, ids: Iterable[int]) -> set[int]:
        """Return the orders that still exist as subscriptions."""
        rows = self._odoo.search_read("sale.order", [IS_SUBSCRIPTION, ["id", "in", sorted(ids)]], ["id"])
        return {row["id"] for row in rows}

    def sees_any_order(self) -> bool:
        """Return whether the API user sees any sales order."""
        return bool(self._odoo.search_read("sale.order", [], ["id"], limit=1))

    def _parse_page(self, page: list[Row]) -> list[ReadSubscription]:
        self._learn_plans({_id(row, "plan_id") for row in page})
        self._learn_zones({_id(row, "company_id") for row in page})
        partners = {_id(row, "partner_id") for row in page} - {0}
        languages = {
            row["id"]: row["lang"]
            for row in self._odoo.read("res.partner", sorted(partners), ["lang"])
            if isinstance(row.get("lang"), str)
        }
        return [self._subscription(row, languages) for row in page]

    def _subscription(self, row: Row, languages: Mapping[int, str]) -> ReadSubscription:
        plan = self._plans.get(_id(row, "plan_id"), {})
        state = _state(row)
        document = {
            "odoo_order_id": row["id"],
            "name": _shown(row.get("name")),
            "customer_name": _shown(_name(row, "partner_id")),
            "plan": _shown(_name(row, "plan_id")),
            "state": state,
            "currency": _name(row, "currency_id"),
            "timezone": self._zones.get(_id(row, "company_id"), _DEFAULT_ZONE),
            "start_date": row.get("start_date") or None,
            "billing_period": {
                "value": plan.get("billing_period_value"),
                "unit": plan.get("billing_period_unit"),
            },
            "next_invoice_date": row.get("next_invoice_date") or None,
        }
        if row.get("end_date"):
            document["end_date"] = row["end_date"]
        language = languages.get(_id(row, "partner_id"))
        if language and language != _DEFAULT_LANGUAGE:
            document["lang"] = language
        if row.get(_PAYMENT_EXCEPTION):
            document[_PAYMENT_EXCEPTION] = True
        parent, origin = _id(row, "subscription_id"), _id(row, "origin_order_id")
        return ReadSubscription(
            row["id"],
            str(row.get("name")),
            state in RUNNING,
            document,
            parent if parent != row["id"] else 0,
            origin if origin != row["id"] else 0,
            row.get("state") in _CONFIRMED,
        )

    def _learn_plans(self, ids: set[int]) -> None:
        requested = sorted(ids - {0} - set(self._plans))
        fields = ("billing_period_value", "billing_period_unit")
        for row in self._read("sale.subscription.plan", requested, fields):
            self._plans[row["id"]] = row

    def _learn_zones(self, ids: set[int]) -> None:
        companies = self._read("res.company", sorted(ids - {0} - set(self._zones)), ["partner_id"])
        partners = {_id(row, "partner_id"): row["id"] for row in companies}
        for row in self._read("res.partner", sorted(partners), ["tz"]):
            self._zones[partners[row["id"]]] = row.get("tz") or _DEFAULT_ZONE

    def _read(self, model: str, ids: list[int], fields: Iterable[str]) -> list[Row]:
        """Return the records, archived ones too: a plan that is no longer sold goes on being billed."""
        if not ids:
            return []
        domain = [["id", "in", ids]]
        rows: list[Row] = self._odoo.call(
            model, "search_read", domain=domain, fields=list(fields), context={"active_test": False}
        )
        return rows


def key_days_left(odoo: Odoo, now: datetime) -> float | None:
    """Return the number of days until the first of the user's keys expires; None if Odoo reports no date."""
    try:
        user = odoo.call("res.users", "context_get")["uid"]
        rows = odoo.search_read("res.users.apikeys", [["user_id", "=", user]], ["expiration_date"])
    except (OdooError, KeyError, TypeError):
        return None  # Odoo 17 has no expiry; and any other call reports an invalid key
    ends = [
        datetime.fromisoformat(row["expiration_date"]).replace(tzinfo=now.tzinfo)
        for row in rows
        if row.get("expiration_date")
    ]
    left = [(end - now).total_seconds() / 86_400 for end in ends]
    return min((days for days in left if days > 0), default=None)


def _state(row: Mapping[str, Any]) -> str:
    # A cancelled order keeps the subscription_state it had, "in progress" included.
    if row.get("state") == "cancel":
        return CHURNED
    state = row.get("subscription_state")
    return state if isinstance(state, str) and state != "1e_confirmed" else QUOTATION


def _id(row: Mapping[str, Any], name: str) -> int:
    found = many2one(row.get(name))
    return found[0] if found else 0


def _name(row: Mapping[str, Any], name: str) -> str | None:
    found = many2one(row.get(name))
    return found[1] if found else None


def _shown(name: object) -> object:
    """Return a name as a definition takes it: Odoo's may hold line breaks and more characters than ours."""
    return shortened(on_one_line(name), MAX_TEXT) if isinstance(name, str) else name
