"""A subscription and its periods as items of the catalogue table, and back."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zlib import crc32

from fusion_billing.calendar.calendar import Calendar, Past, Period, State
from fusion_billing.calendar.terms import LatticeSpec
from fusion_billing.definitions.subscription import Subscription
from fusion_billing.instants import parse_instant, rfc3339, sortable

if TYPE_CHECKING:
    from fusion_billing.store.subscriptions import StoredSubscription

SUB = "SUB"
LIST_SHARDS = 16


def subscription_key(subscription: str) -> dict[str, Any]:
    """Return the key of a subscription's own item."""
    return {"pk": {"S": f"S#{subscription}"}, "sk": {"S": SUB}}


def period_key(subscription: str, start: datetime) -> dict[str, Any]:
    """Return the key of one of a subscription's periods."""
    return {"pk": {"S": f"S#{subscription}"}, "sk": {"S": f"P#{sortable(start)}"}}


def order_key(odoo_order_id: int) -> dict[str, Any]:
    """Return the key of the guard of an order."""
    return {"pk": {"S": f"ORDER#{odoo_order_id}"}, "sk": {"S": "ORDER"}}


def list_shard(subscription: str) -> int:
    """Return which of the list's shards holds a subscription."""
    return crc32(subscription.encode()) % LIST_SHARDS


def list_pk(shard: int) -> str:
    """Return the partition of the index `listing` that is one shard."""
    return f"SUBS#{shard:02d}"


def list_position(shard: int, subscription: str) -> dict[str, Any]:
    """Return where in the index `listing` a subscription stands, whether it is there or not."""
    return {
        **subscription_key(subscription),
        "list_pk": {"S": list_pk(shard)},
        "list_sk": {"S": subscription},
    }


def write_subscription(stored: "StoredSubscription") -> dict[str, Any]:
    """Return the item of a subscription."""
    subscription = stored.subscription
    item = {
        **list_position(list_shard(subscription.id), subscription.id),
        "doc": {"S": _json(subscription.as_json())},
        "version": {"N": str(stored.version)},
        "origin": {"S": stored.origin},
        "plan": {"S": subscription.plan},
        "lattice": {"S": _json(_lattice(stored.calendar))},
    }
    if stored.stopped is not None:
        item["stopped"] = {"S": rfc3339(stored.stopped)}
    return item


def write_period(subscription: str, period: Period) -> dict[str, Any]:
    """Return the item of one of a subscription's periods."""
    item = {
        **period_key(subscription, period.start),
        "start": {"S": rfc3339(period.start)},
        "end": {"S": rfc3339(period.end)},
        "state": {"S": period.state},
    }
    if period.invoiced_at is not None:
        item["invoiced_at"] = {"S": rfc3339(period.invoiced_at)}
    return item


def read_subscription(item: Mapping[str, Any]) -> Subscription:
    """Return the subscription of an item, of the table's or of the index's."""
    return Subscription.model_validate(json.loads(item["doc"]["S"]))


def read_calendar(item: Mapping[str, Any], periods: Iterable[Mapping[str, Any]]) -> Calendar:
    """Return the calendar of a subscription's item and its periods' items, in the order of their keys."""
    lattice = json.loads(item["lattice"]["S"])
    return Calendar(
        known=tuple(_read_period(period) for period in periods),
        spec=_read_spec(lattice),
        past=Past(_read_spec(lattice["past"]), parse_instant(lattice["past"]["start"])),
    )


def instant(item: Mapping[str, Any], name: str) -> datetime | None:
    """Return an attribute that may be missing as an instant."""
    return parse_instant(item[name]["S"]) if name in item else None


def _lattice(calendar: Calendar) -> dict[str, Any]:
    past = _spec(calendar.past.spec) | {"start": rfc3339(calendar.past.start)}
    return _spec(calendar.spec) | {"past": past}


def _spec(spec: LatticeSpec) -> dict[str, Any]:
    return {
        "anchor": spec.anchor.isoformat(),
        "value": spec.value,
        "unit": spec.unit,
        "timezone": spec.timezone,
    }


def _read_spec(document: Mapping[str, Any]) -> LatticeSpec:
    return LatticeSpec(
        date.fromisoformat(document["anchor"]), document["value"], document["unit"], document["timezone"]
    )


def _read_period(item: Mapping[str, Any]) -> Period:
    state: State = item["state"]["S"]
    return Period(
        parse_instant(item["start"]["S"]),
        parse_instant(item["end"]["S"]),
        state,
        instant(item, "invoiced_at"),
    )


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
