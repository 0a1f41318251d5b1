"""Convert subscriptions and billing periods to and from items of the catalog table."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from fusion_billing.billing_periods.calendar import Calendar, Past, Period, State
from fusion_billing.billing_periods.schedule_terms import ScheduleSpec
from fusion_billing.catalog.stored_subscription import Listed
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder, PlanChange
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView
from fusion_billing.instants import parse_instant, rfc3339, sortable

if TYPE_CHECKING:
    from fusion_billing.catalog.stored_subscription import StoredSubscription


def write_subscription(stored: "StoredSubscription") -> Item:
    """Return the item of a subscription."""
    subscription = stored.subscription
    item = {
        **keys.list_position(keys.list_shard(subscription.id), subscription.id),
        "doc": {"S": _json(subscription.as_json())},
        "version": {"N": str(stored.version)},
        "origin": {"S": stored.origin},
        "plan": {"S": subscription.plan},
        "lattice": {"S": _json(_lattice(stored.calendar))},
    }
    item |= _bounds(stored)
    if stored.stopped is not None:
        item["stopped"] = {"S": rfc3339(stored.stopped)}
    if stored.orders:
        item["orders"] = {"S": _json([_order(order) for order in stored.orders])}
    if stored.plan_history:
        item["plans"] = {"S": _json([_change(change) for change in stored.plan_history])}
    if stored.order_aliases:
        item["order_aliases"] = {"S": _json(stored.order_aliases)}
    if stored.erased is not None:
        item["erased"] = {"S": rfc3339(stored.erased)}
    return item


def write_alias(stored: "StoredSubscription", alias: str) -> Item:
    """Return the item of an alias, with the attributes that admit a usage record."""
    return {
        **keys.subscription_key(alias),
        "alias_of": {"S": stored.id},
        "plan": {"S": stored.subscription.plan},
        **_bounds(stored),
    }


def _bounds(stored: "StoredSubscription") -> dict[str, Any]:
    """Return the bounds in which windows of usage records must start."""
    bounds = {"starts": {"S": sortable(stored.starts)}}
    if stored.ends is not None:
        bounds["ends"] = {"S": sortable(stored.ends)}
    return bounds


def write_period(subscription: str, period: Period) -> Item:
    """Return the item of a billing period."""
    item = {
        **keys.period_key(subscription, period.start),
        "start": {"S": rfc3339(period.start)},
        "end": {"S": rfc3339(period.end)},
        "state": {"S": period.state},
    }
    if period.invoiced_at is not None:
        item["invoiced_at"] = {"S": rfc3339(period.invoiced_at)}
    if period.rated_from is not None:
        item["rated_from"] = {"S": rfc3339(period.rated_from)}
    if period.every_charge:
        item["every_charge"] = {"BOOL": True}
    if period.is_final:
        item["is_final"] = {"BOOL": True}
    return item


def read_subscription(item: ItemView) -> Subscription:
    """Return the subscription of an item of the table or of the index."""
    return Subscription.model_validate(json.loads(item["doc"]["S"]))


def listed(item: ItemView) -> Listed:
    """Return the subscription of an item for a list."""
    return Listed(read_subscription(item), item["origin"]["S"], int(item["version"]["N"]))


def read_calendar(item: ItemView, periods: Iterable[ItemView]) -> Calendar:
    """Return the calendar of a subscription's item and its periods' items, in the order of their keys."""
    schedule = json.loads(item["lattice"]["S"])
    past = schedule["past"]
    first_end = date.fromisoformat(past["first_end"]) if "first_end" in past else None
    return Calendar(
        known=tuple(_read_period(period) for period in periods),
        spec=_read_spec(schedule),
        past=Past(_read_spec(past), parse_instant(past["start"]), first_end),
        replaced=tuple(parse_instant(start) for start in schedule.get("replaced", ())),
    )


def read_orders(item: ItemView) -> tuple[ChainedOrder, ...]:
    """Return the chain of orders of a subscription's item; empty if it was never renewed."""
    return tuple(
        ChainedOrder(
            order["odoo_order_id"],
            parse_instant(order["from"]),
            parse_instant(order["until"]) if "until" in order else None,
            order["kind"],
        )
        for order in _read_json(item, "orders")
    )


def read_plan_history(item: ItemView) -> tuple[PlanChange, ...]:
    """Return the plans of a subscription's item; empty if its plan never changed."""
    return tuple(
        PlanChange(change["plan"], parse_instant(change["from"]) if "from" in change else None)
        for change in _read_json(item, "plans")
    )


def read_order_aliases(item: ItemView) -> tuple[str, ...]:
    """Return the aliases of a subscription that come from its orders, not from the API."""
    return tuple(_read_json(item, "order_aliases"))


def instant(item: ItemView, name: str) -> datetime | None:
    """Return an attribute that may be missing as an instant."""
    return parse_instant(item[name]["S"]) if name in item else None


def _lattice(calendar: Calendar) -> dict[str, Any]:
    past = _spec(calendar.past.spec) | {"start": rfc3339(calendar.past.start)}
    if calendar.past.first_end is not None:
        past["first_end"] = calendar.past.first_end.isoformat()
    schedule = _spec(calendar.spec) | {"past": past}
    if calendar.replaced:
        schedule["replaced"] = [rfc3339(start) for start in calendar.replaced]
    return schedule


def _order(order: ChainedOrder) -> dict[str, Any]:
    document = {"odoo_order_id": order.odoo_order_id, "from": rfc3339(order.start), "kind": order.kind}
    return document if order.end is None else {**document, "until": rfc3339(order.end)}


def _change(change: PlanChange) -> dict[str, Any]:
    return {"plan": change.plan} | ({} if change.start is None else {"from": rfc3339(change.start)})


def _read_json(item: Mapping[str, Any], name: str) -> Any:
    return json.loads(item[name]["S"]) if name in item else []


def _spec(spec: ScheduleSpec) -> dict[str, Any]:
    return {
        "anchor": spec.anchor.isoformat(),
        "value": spec.value,
        "unit": spec.unit,
        "timezone": spec.timezone,
    }


def _read_spec(document: Mapping[str, Any]) -> ScheduleSpec:
    return ScheduleSpec(
        date.fromisoformat(document["anchor"]), document["value"], document["unit"], document["timezone"]
    )


def _read_period(item: Mapping[str, Any]) -> Period:
    state: State = item["state"]["S"]
    return Period(
        parse_instant(item["start"]["S"]),
        parse_instant(item["end"]["S"]),
        state,
        instant(item, "invoiced_at"),
        instant(item, "rated_from"),
        "every_charge" in item,
        "is_final" in item,
    )


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
