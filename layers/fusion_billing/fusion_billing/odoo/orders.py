"""Check sales orders before lines are added to them.

Odoo accepts new lines on locked and cancelled orders without an error, and gives users who may see only their own
orders empty results. So the orders are read first.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fusion_billing.billing_periods.subscription_states import ENDED, RENEWED
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import (
    MissingAccessRights,
    OrderCancelled,
    OrderLocked,
    OrderRenewed,
    PermanentError,
    RecordNotFound,
)

_STATE = "subscription_state"
_FIELDS = ("name", "state", "locked", "currency_id", "partner_id")

Seconds = Callable[[], float]
"""Returns how long the next call may take; called before each call."""


@dataclass(frozen=True, slots=True)
class Order:
    """A sales order that can take lines."""

    id: int
    name: str
    currency: str
    partner: int | None


def check_orders(
    odoo: Odoo, ids: Iterable[int], seconds: Seconds
) -> tuple[dict[int, Order], dict[int, PermanentError]]:
    """Return the orders that accept lines, and the error of each of the others.

    Raises:
        MissingAccessRights: If the API user sees none of them and no other order either.
    """
    requested = sorted(set(ids))
    rows = {row["id"]: row for row in odoo.read("sale.order", requested, _FIELDS, seconds=seconds())}
    if requested and not rows and not odoo.search_read("sale.order", [], ["id"], limit=1, seconds=seconds()):
        raise MissingAccessRights(
            "the API user sees no sales orders: give it the access right 'Sales: User: All Documents'",
            name="empty",
        )
    locked = [row["id"] for row in rows.values() if row.get("locked")]
    renewed = _in_state(odoo, locked, frozenset({RENEWED}), seconds)
    orders: dict[int, Order] = {}
    faults: dict[int, PermanentError] = {}
    for order in requested:
        fault = _fault(order, rows.get(order), is_renewed=order in renewed)
        if fault is not None:
            faults[order] = fault
        else:
            orders[order] = _order(rows[order])
    return orders, faults


def languages(odoo: Odoo, partners: Iterable[int], seconds: Seconds) -> dict[int, str]:
    """Return the language code of each partner that has one, such as `de_DE`."""
    requested = sorted(set(partners))
    rows = odoo.read("res.partner", requested, ["lang"], seconds=seconds()) if requested else []
    return {row["id"]: row["lang"] for row in rows if isinstance(row.get("lang"), str)}


def orders_not_invoiced_by_odoo(odoo: Odoo, ids: Iterable[int], seconds: Seconds) -> set[int]:
    """Return the orders that Odoo no longer invoices on schedule: renewed or churned subscriptions."""
    return _in_state(odoo, sorted(set(ids)), ENDED, seconds)


def many2one(value: object) -> tuple[int, str] | None:
    """Return the ID and the name of a many2one value (`[7, "EUR"]`), None for False."""
    if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], int):  # noqa: PLR2004
        return value[0], str(value[1])
    return None


def _in_state(odoo: Odoo, ids: list[int], states: frozenset[str], seconds: Seconds) -> set[int]:
    """Return the orders that are subscriptions in one of these states."""
    if not ids or _STATE not in odoo.fields("sale.order", [_STATE]):
        return set()
    rows = odoo.read("sale.order", ids, [_STATE], seconds=seconds())
    return {row["id"] for row in rows if row.get(_STATE) in states}


def _fault(order: int, row: Mapping[str, Any] | None, *, is_renewed: bool) -> PermanentError | None:
    if row is None:
        return RecordNotFound(f"sales order {order} does not exist, or the API user may not see it", name="order")
    if row.get("state") == "cancel":
        return OrderCancelled(f"the order {row['name']} is cancelled", name="order")
    if is_renewed:
        return OrderRenewed(f"the order {row['name']} was renewed and is locked", name="order")
    if row.get("locked"):
        return OrderLocked(f"the order {row['name']} is locked: unlock it in Odoo and retry", name="order")
    return None


def _order(row: Mapping[str, Any]) -> Order:
    currency, partner = many2one(row.get("currency_id")), many2one(row.get("partner_id"))
    return Order(
        id=row["id"],
        name=str(row.get("name")),
        currency=currency[1] if currency else "",
        partner=partner[0] if partner else None,
    )
