"""Create, change, list and delete charges.

A charge is kept as its versions, by `valid_from`. A `PUT` with another `valid_from` adds a version, one with
the same (or, as at first, none) replaces that one. What was invoiced stays: an invoiced period keeps the
price it was rated by, for its corrections too. Everything else is rated again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.admin.ports import Catalog, CatalogReading, RatingJobs, Subscriptions
from functions.admin.services import read_only_fields
from functions.admin.services.change_json import changes_json
from functions.admin.services.charged_subscriptions import applies, charged_subscriptions
from functions.admin.services.put_request import PutRequest, in_words
from functions.admin.services.visible_catalog import check_charge_change, check_charge_metric, visible_versions
from functions.admin.services.write_attempts import attempts
from fusion_billing.billing_periods.subscription_states import ENDED
from fusion_billing.catalog.change import changed_fields
from fusion_billing.catalog.charge import Charge, check_versions
from fusion_billing.catalog.filters import unreachable_filters
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription_history import plans_within
from fusion_billing.catalog.valid_from import instant_of, order_of, shown
from fusion_billing.catalog.validation import check_size, parse
from fusion_billing.dynamodb.catalog.definitions import Stored
from fusion_billing.dynamodb.keys import CHARGE
from fusion_billing.errors import Fault, InUse, NotFound, Refused
from fusion_billing.messaging.rating_jobs import COMMIT_SECONDS

SHOWN = ("versions", "history")
"""The read-only fields of a charge; `version` is one too."""

_CONFIRMED = ("metric", "currency")
"""Fields whose change alters what open periods are rated as."""
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)

Versions = Sequence[Charge]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a `PUT` would do: all versions as they would be, over what is stored."""

    charge: Charge
    versions: tuple[Charge, ...]
    stored: Stored[tuple[Charge, ...]] | None

    @property
    def is_changed(self) -> bool:
        """Return whether anything changes."""
        return self.stored is None or self.versions != self.stored.value

    @property
    def replaced(self) -> Charge | None:
        """Return the version that the charge takes the place of, None where it is a further one."""
        known = () if self.stored is None else self.stored.value
        return next((version for version in known if _replaces(self.charge, version)), None)

    @property
    def changed(self) -> list[str]:
        """Return the fields in which the version differs from the one it replaces: all if there is none."""
        before = {} if self.replaced is None else self.replaced.as_json()
        return changed_fields(before, self.charge.as_json())

    @property
    def to_confirm(self) -> list[str]:
        """Return what must be confirmed: another metric or currency for a charge that is in use."""
        if self.stored is None or not any(version.active for version in self.stored.value):
            return []
        first = self.stored.value[0]
        return [name for name in _CONFIRMED if getattr(first, name) != getattr(self.charge, name)]

    @property
    def cause(self) -> str:
        """Return what the history says of it."""
        if self.stored is None:
            return "created"
        start = self.charge.valid_from
        which = f"the version valid {'since ever' if start is None else f'from {shown(start)}'}"
        return f"added {which}" if self.replaced is None else f"{in_words(self.changed)} of {which}"


def planned(store: CatalogReading, code: str, body: Mapping[str, object], put_request: PutRequest) -> Planned:
    """Return what a `PUT` would do now.

    Raises `Refused`, `Forbidden` if the charge applies to what the key's source may not use, and as
    `read_only_fields.check` does.
    """
    definition, read_only = read_only_fields.split(body, SHOWN)
    check_charge_metric(put_request.principal, definition.get("metric"))
    charge = _parsed(store, code, definition)
    stored = store.stored_charge(code)
    check_charge_change(put_request.principal, [charge, *(() if stored is None else stored.value)])
    read_only_fields.check(read_only, None if stored is None else as_json(store, stored, put_request.now))
    versions = with_version(stored.value if stored is not None else (), charge)
    check_size(json.dumps([version.as_json() for version in versions], ensure_ascii=False))
    return Planned(charge, versions, stored)


def put(
    store: Catalog, jobs: RatingJobs, code: str, body: Mapping[str, object], put_request: PutRequest
) -> tuple[bool, dict[str, object]]:
    """Create a charge, or add or replace a version; return whether the charge is new, and its JSON.

    Another metric or currency must be confirmed while the charge is in use. Raises `Refused` with every
    fault, `Conflict`, `VersionConflict`, `Unavailable`, and as `read_only_fields.check` does.
    """
    for attempt in attempts():
        with attempt:
            plan = planned(store, code, body, put_request)
            stored = plan.stored
            if stored is not None and not plan.is_changed:
                return False, as_json(store, stored, put_request.now)
            put_request.check_confirmed(plan.to_confirm, f"{' and '.join(plan.to_confirm)} of the charge {code}")
            jobs.sweep(code, delay=COMMIT_SECONDS)
            expected = None if stored is None else stored.version
            known = None if stored is None else stored.value
            version = store.put_charge(
                plan.versions,
                expected,
                put_request.change(plan.cause, f"charges/{code}", _document(known), _document(plan.versions)),
            )
            return stored is None, as_json(store, Stored(plan.versions, version), put_request.now)
    raise AssertionError


def get(store: CatalogReading, code: str, now: datetime) -> dict[str, object]:
    """Return a charge's JSON; raises `NotFound`."""
    stored = store.stored_charge(code)
    if stored is None:
        raise NotFound(f"No such charge: {code}")
    return as_json(store, stored, now)


def listing(
    store: CatalogReading, after: str | None, limit: int, now: datetime
) -> tuple[list[dict[str, object]], str | None]:
    """Return a page of charges by code, and after which the next one begins."""
    page, last = store.charge_page(after, limit)
    return [_listed(stored, now) for stored in page], last


def delete(store: Catalog, subscriptions: Subscriptions, jobs: RatingJobs, code: str, put_request: PutRequest) -> None:
    """Delete a charge that no subscription pays; raises `NotFound`, and `InUse`.

    One that is active and applies to a subscription that is not over, by a plan of its open period, or is
    named by such a one's overrides, is in use: set it inactive first. Ratings made by it stay, and explain
    themselves.
    """
    for attempt in attempts():
        with attempt:
            stored = store.stored_charge(code)
            if stored is None or not visible_versions(put_request.principal, stored.value):
                raise NotFound(f"No such charge: {code}")
            check_charge_change(put_request.principal, stored.value)
            charged = next(_charged(subscriptions, stored.value), None)
            if charged is not None:
                which = (
                    f"the subscription {charged}" if put_request.principal.sees_every_subscription else "subscriptions"
                )
                raise InUse(
                    f"The charge {code} applies to {which}: first set active to false, and remove it from overrides"
                )
            jobs.sweep(code, delay=COMMIT_SECONDS)
            store.delete_charge(
                code, stored.version, put_request.change("deleted", f"charges/{code}", _document(stored.value), None)
            )
            return


def _document(versions: Versions | None) -> dict[str, object] | None:
    """Return a charge as the audit log has it: each version under the instant from which it is valid."""
    if versions is None:
        return None
    return {
        "since ever" if version.valid_from is None else str(shown(version.valid_from)): version.as_json()
        for version in versions
    }


def with_version(versions: Versions, charge: Charge) -> tuple[Charge, ...]:
    """Return the versions with `charge` added, or in the place of the one valid from the same instant.

    Raises `Refused` where it differs from the others in what all versions have in common.
    """
    others = [version for version in versions if not _replaces(charge, version)]
    try:
        check_versions([*others[:1], charge])
    except Refused as refused:
        faults = [Fault(f.field.partition(".")[2], f.code, f.message) for f in refused.faults]
        raise Refused(faults) from None
    return tuple(sorted([*others, charge], key=lambda version: order_of(version.valid_from)))


def in_force(versions: Versions, now: datetime) -> Charge:
    """Return the version in force at `now`, or the first to come."""
    return next((version for version in reversed(versions) if _valid_from(version) <= now), versions[0])


def as_json(store: CatalogReading, stored: Stored[tuple[Charge, ...]], now: datetime) -> dict[str, object]:
    """Return a charge as the API shows it by itself: with its history."""
    return _listed(stored, now) | {"history": changes_json(store.history(CHARGE, stored.value[0].code))}


def _listed(stored: Stored[tuple[Charge, ...]], now: datetime) -> dict[str, Any]:
    """Return the version in force, and every version."""
    return in_force(stored.value, now).as_json() | {
        "version": stored.version,
        "versions": [version.as_json() for version in stored.value],
    }


def _parsed(store: CatalogReading, code: str, body: Mapping[str, object]) -> Charge:
    faults: tuple[Fault, ...] = ()
    charge = None
    try:
        charge = parse(Charge, body, code=code)
    except Refused as refused:
        faults = refused.faults
    faults += tuple(unreachable_filters(body.get("filters")))
    metric = body.get("metric")
    well_formed = isinstance(metric, str) and not any(fault.field == "metric" for fault in faults)
    if well_formed and store.metric(str(metric)) is None:
        faults += (Fault("metric", "unknown_metric", f"No such metric: {metric}"),)
    if faults or charge is None:
        raise Refused(faults)
    return charge


def _charged(subscriptions: Subscriptions, versions: Versions) -> Iterator[str]:
    active = [version for version in versions if version.active]
    for charged in charged_subscriptions(subscriptions, active, [versions[0].code]):
        subscription = charged.subscription
        if subscription.state in ENDED:
            continue
        if not charged.formerly or _pays_still(subscriptions.get(subscription.id), active):
            yield subscription.id


def _pays_still(stored: StoredSubscription | None, versions: Versions) -> bool:
    """Return whether a plan of the open period of a subscription makes it pay the charge."""
    if stored is None:
        return False
    opened = stored.calendar.open
    plans = plans_within(stored.plans, opened.start, opened.end)
    return any(applies(versions, plan, stored.id) for plan in plans)


def _replaces(charge: Charge, version: Charge) -> bool:
    """Return whether `charge` replaces `version`.

    One valid from a day does so of the one valid from that day's midnight in UTC too: earlier releases
    took a day for that instant.
    """
    start = charge.valid_from
    if start == version.valid_from:
        return True
    return start is not None and not isinstance(start, datetime) and instant_of(start) == version.valid_from


def _valid_from(version: Charge) -> datetime:
    return instant_of(version.valid_from) or _SINCE_EVER
