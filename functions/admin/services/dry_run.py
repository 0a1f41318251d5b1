"""`?dry_run=true`: what a `PUT` would change in open periods. It is validated as ever; nothing is stored.

Bounded by time (`SECONDS`, well under API Gateway's 30), by the records of one subscription (`MOST_RECORDS`)
and by what is listed (`preview.MOST_LISTED`); what was cut short says so. Subscriptions are read by the index
`listing`, page by page, never by a scan; a key of a limited source sees what that may see alone.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from functions.admin.ports import Catalog, Subscriptions
from functions.admin.services import charges, metrics, subscriptions
from functions.admin.services.charged_subscriptions import charged_subscriptions
from functions.admin.services.put_request import PutRequest
from functions.admin.services.visible_catalog import visible_catalog
from functions.admin.usage_ports import RatedRecords
from fusion_billing.billing.billed_subscription import billed_subscription
from fusion_billing.billing.preview import Side, TooManyRecords, preview
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.catalog.change import changed_fields
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.rating.records import Record

SECONDS = 15
"""How long subscriptions are evaluated."""

MOST_RECORDS = 50_000
"""Records of one subscription and metric that are rated; of more the amounts are not shown."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a dry run looks; `clock` counts seconds."""

    catalog: Catalog
    subscriptions: Subscriptions
    usage: RatedRecords
    clock: Callable[[], float] = time.monotonic


def of_metric(stores: Stores, code: str, body: Mapping[str, object], put_request: PutRequest) -> dict[str, object]:
    """Return what putting a metric would change; raises as the `PUT` does, but asks for no confirmation."""
    plan = metrics.planned(stores.catalog, code, body)
    known, charged = stores.catalog.metrics(), stores.catalog.charges()
    before = PriceBook(known.values(), charged.values())
    after = PriceBook({**known, code: plan.metric}.values(), charged.values())
    concerned = _Concerned(tuple(sorted(plan.charges)), tuple(plan.charges.values()))
    outcome = _outcome(is_new=plan.stored is None, changed=plan.changed, to_confirm=plan.to_confirm)
    return outcome | _of_open_periods(stores, before, after, concerned, put_request)


def of_charge(stores: Stores, code: str, body: Mapping[str, object], put_request: PutRequest) -> dict[str, object]:
    """Return what putting a charge would change; raises as the `PUT` does, but asks for no confirmation."""
    plan = charges.planned(stores.catalog, code, body, put_request)
    known, charged = stores.catalog.metrics(), stores.catalog.charges()
    before = PriceBook(known.values(), charged.values())
    after = PriceBook(known.values(), {**charged, code: list(plan.versions)}.values())
    concerned = _concerned(plan, charged) if plan.is_changed else _Concerned((), ())
    changed, to_confirm = (plan.changed, plan.to_confirm) if plan.is_changed else ([], [])
    outcome = _outcome(is_new=plan.stored is None, changed=changed, to_confirm=to_confirm)
    versions = {"versions": [version.as_json() for version in plan.versions]}
    return outcome | versions | _of_open_periods(stores, before, after, concerned, put_request)


def of_subscription(
    stores: Stores,
    stored: StoredSubscription | None,
    new: StoredSubscription | None,
) -> dict[str, object]:
    """Return what a subscription as it would be stored (None: nothing would be) changes."""
    before = None if stored is None else billed_subscription(stored)
    after = before if new is None else billed_subscription(new)
    known, charged = stores.catalog.metrics(), stores.catalog.charges()
    book = PriceBook(known.values(), charged.values())
    codes = sorted(charged) if new is not None else []
    found = preview([(Side(book, before), Side(book, after))], codes, _reader(stores), lambda: True)
    was = {} if stored is None else stored.subscription.as_json()
    changed = changed_fields(was, was if new is None else new.subscription.as_json())
    to_confirm = [] if new is None else subscriptions.to_confirm(stored, new.subscription)
    outcome = _outcome(is_new=stored is None, changed=changed, to_confirm=to_confirm)
    return outcome | {"charges": sorted({each.charge for each in found.comparisons})} | found.as_json()


@dataclass(frozen=True, slots=True)
class _Concerned:
    """The charges whose ratings may change, and all versions of them, as they are and as they would be."""

    charges: tuple[str, ...]
    versions: tuple[Sequence[Charge], ...]


def _concerned(plan: charges.Planned, charged: dict[str, list[Charge]]) -> _Concerned:
    """Return the charge and the others on its metric, which may apply, or no longer apply, because of it."""
    on = {plan.charge.metric, *([plan.stored.value[0].metric] if plan.stored is not None else [])}
    beside = {code: versions for code, versions in charged.items() if versions[0].metric in on}
    codes = sorted({*beside, plan.charge.code})
    return _Concerned(tuple(codes), (*beside.values(), plan.versions))


def _of_open_periods(
    stores: Stores, before: PriceBook, after: PriceBook, concerned: _Concerned, put_request: PutRequest
) -> dict[str, Any]:
    deadline = stores.clock() + SECONDS
    sides = _sides(stores, before, after, concerned, put_request)
    found = preview(sides, concerned.charges, _reader(stores), lambda: stores.clock() < deadline)
    visible = visible_catalog(stores.catalog, put_request.principal)
    shown = [code for code in concerned.charges if not put_request.principal.is_limited or visible.charge(code)]
    return {"charges": shown} | found.as_json()


def _sides(
    stores: Stores, before: PriceBook, after: PriceBook, concerned: _Concerned, put_request: PutRequest
) -> Iterator[tuple[Side, Side]]:
    if not concerned.charges:
        return
    versions = [version for versions in concerned.versions for version in versions]
    for charged in charged_subscriptions(stores.subscriptions, versions, concerned.charges):
        subscription = charged.subscription
        if not put_request.principal.may_use_subscription(subscription.id, plan=subscription.plan):
            continue
        stored = stores.subscriptions.get(subscription.id)
        if stored is not None:
            billed = billed_subscription(stored)
            yield Side(before, billed), Side(after, billed)


def _reader(stores: Stores) -> Callable[[str, str, datetime, datetime], Sequence[Record]]:
    """Return what reads records, and remembers the last subscription's: both sides read the same."""
    remembered: dict[tuple[str, str, datetime, datetime], list[Record]] = {}

    def read(subscription: str, metric: str, start: datetime, end: datetime) -> Sequence[Record]:
        key = (subscription, metric, start, end)
        if key not in remembered:
            if any(known[0] != subscription for known in remembered):
                remembered.clear()
            found = stores.usage.between(subscription, metric, start, end)
            remembered[key] = list(islice(found, MOST_RECORDS + 1))
        if len(remembered[key]) > MOST_RECORDS:
            raise TooManyRecords(f"has more than {MOST_RECORDS} records of {metric}: not evaluated")
        return remembered[key]

    return read


def _outcome(*, is_new: bool, changed: Sequence[str], to_confirm: Sequence[str]) -> dict[str, Any]:
    outcome = "created" if is_new else "updated" if changed else "unchanged"
    return {"dry_run": True, "outcome": outcome, "changed_fields": list(changed), "confirm": list(to_confirm)}
