"""Create, change, list and delete metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.admin.ports import Catalog, CatalogReading, RatingJobs
from functions.admin.services import read_only_fields
from functions.admin.services.change_json import changes_json
from functions.admin.services.put_request import PutRequest, in_words
from functions.admin.services.write_attempts import attempts
from fusion_billing.catalog.change import changed_fields
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric, immutable_idempotency
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.catalog.definitions import Stored
from fusion_billing.dynamodb.keys import METRIC
from fusion_billing.errors import InUse, NotFound
from fusion_billing.messaging.rating_jobs import COMMIT_SECONDS

SHOWN = ("history",)
"""The read-only fields of a metric; `version` is one too."""

_MOST_CHARGES_BY_NAME = 4
_CONFIRMED = ("aggregation", "rounding")
"""Fields whose change aggregates the same records differently."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a `PUT` would do: the metric over what is stored, and the charges on it."""

    metric: Metric
    stored: Stored[Metric] | None
    charges: dict[str, list[Charge]]

    @property
    def changed(self) -> list[str]:
        """Return the names of the fields that change."""
        return changed_fields(self.before or {}, self.metric.as_json())

    @property
    def before(self) -> dict[str, object] | None:
        """Return the stored definition."""
        return None if self.stored is None else self.stored.value.as_json()

    @property
    def to_confirm(self) -> list[str]:
        """Return what must be confirmed: nothing if the metric has no active charge."""
        versions = [version for versions in self.charges.values() for version in versions]
        if self.stored is None or not any(version.active for version in versions):
            return []
        return [field for field in self.changed if field in _CONFIRMED]


def planned(store: Catalog, code: str, body: Mapping[str, object]) -> Planned:
    """Return what a `PUT` would do now; raises `Refused`, and as `read_only_fields.check` does."""
    definition, read_only = read_only_fields.split(body, SHOWN)
    stored = store.stored_metric(code)
    metric = _with_idempotency(store, parse(Metric, definition, code=code), stored)
    read_only_fields.check(read_only, None if stored is None else as_json(store, stored))
    changes = stored is None or stored.value != metric
    return Planned(metric, stored, _charges_on(store, code) if changes else {})


def _with_idempotency(store: Catalog, metric: Metric, stored: Stored[Metric] | None) -> Metric:
    """Return a metric with the `idempotency` of the records under its code, if it names none of its own.

    Raises `Refused` (`immutable`) if it names another one.
    """
    before = store.idempotency_of_records(metric.code) if stored is None else stored.value.idempotency or "key"
    if metric.idempotency is None:
        is_window = before == "window"
        own = stored.value.idempotency if stored is not None else None
        return metric.model_copy(update={"idempotency": "window" if is_window else own})
    if before is not None and before != metric.idempotency:
        raise immutable_idempotency(before)
    return metric


def put(
    store: Catalog, jobs: RatingJobs, code: str, body: Mapping[str, object], put_request: PutRequest
) -> tuple[bool, dict[str, object]]:
    """Create or replace a metric; return whether it is new, and its JSON.

    Every period that is not invoiced is rated again; a change of the aggregation or the rounding must
    be confirmed while a charge is on it. Raises `Refused`, `Conflict`, `VersionConflict`, `Unavailable`, and as
    `read_only_fields.check` does.
    """
    for attempt in attempts():
        with attempt:
            plan = planned(store, code, body)
            if not plan.changed:
                return False, as_json(store, plan.stored or _missing(code))
            put_request.check_confirmed(plan.to_confirm, _effect(plan))
            if plan.stored is not None:
                _rate_again(plan, jobs)
            expected = None if plan.stored is None else plan.stored.version
            cause = "created" if plan.stored is None else in_words(plan.changed)
            version = store.put_metric(
                plan.metric, expected, put_request.change(cause, f"metrics/{code}", plan.before, plan.metric.as_json())
            )
            return plan.stored is None, as_json(store, Stored(plan.metric, version))
    raise AssertionError


def get(store: CatalogReading, code: str) -> dict[str, object]:
    """Return a metric's JSON; raises `NotFound`."""
    return as_json(store, store.stored_metric(code) or _missing(code))


def listing(store: CatalogReading, after: str | None, limit: int) -> tuple[list[dict[str, object]], str | None]:
    """Return a page of metrics by code, and after which the next one begins."""
    page, last = store.metric_page(after, limit)
    return [_listed(stored) for stored in page], last


def delete(store: Catalog, code: str, put_request: PutRequest) -> None:
    """Delete a metric that no charge uses; raises `NotFound`, and `InUse`.

    Its usage stays: it counts again once a metric is put under the same code.
    """
    for attempt in attempts():
        with attempt:
            refs = store.refs_of(code)
            stored = store.stored_metric(code)
            before = None if stored is None else stored.value.as_json()
            users = sorted(_charges_on(store, code))
            if users:
                raise InUse(f"The charge {users[0]} prices the metric {code}: delete the charge first")
            store.delete_metric(code, refs, put_request.change("deleted", f"metrics/{code}", before, None))
            return


def as_json(store: CatalogReading, stored: Stored[Metric]) -> dict[str, object]:
    """Return a metric as the API shows it by itself: with its history."""
    return _listed(stored) | {"history": changes_json(store.history(METRIC, stored.value.code))}


def _listed(stored: Stored[Metric]) -> dict[str, Any]:
    return stored.value.as_json() | {"version": stored.version}


def _effect(plan: Planned) -> str:
    names = ", ".join(sorted(plan.charges)[:_MOST_CHARGES_BY_NAME])
    more = len(plan.charges) - _MOST_CHARGES_BY_NAME
    named = f"{names} and {more} more" if more > 0 else names
    return f"{' and '.join(plan.to_confirm)} of the metric {plan.metric.code}, which charges are on ({named})"


def _missing(code: str) -> Stored[Metric]:
    raise NotFound(f"No such metric: {code}")


def _charges_on(store: Catalog, metric: str) -> dict[str, list[Charge]]:
    return {code: versions for code, versions in store.charges().items() if versions[0].metric == metric}


def _rate_again(plan: Planned, jobs: RatingJobs) -> None:
    if len(plan.charges) > _MOST_CHARGES_BY_NAME:
        jobs.sweep(delay=COMMIT_SECONDS)
        return
    for charge in plan.charges:
        jobs.sweep(charge, delay=COMMIT_SECONDS)
