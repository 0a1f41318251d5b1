"""Defining what is counted."""

from typing import Any

from functions.admin.services import put_back
from functions.admin.services.attempts import attempts
from fusion_billing.definitions.metric import Metric
from fusion_billing.definitions.validation import parse
from fusion_billing.errors import InUse, NotFound
from fusion_billing.store.catalogue import CatalogueStore, Stored
from fusion_billing.store.jobs import COMMIT_SECONDS, RatingJobs

_MOST_CHARGES_BY_NAME = 4


def put(
    store: CatalogueStore, jobs: RatingJobs, code: str, body: dict[str, Any]
) -> tuple[bool, dict[str, Any]]:
    """Create or replace a metric; return whether it is new, and its JSON.

    A change is rated anew in every period that is not invoiced. Raises `Refused`, `Outdated`, `Unavailable`,
    and as `put_back.check` does.
    """
    definition, besides = put_back.split(body, ())
    metric = parse(Metric, definition, code=code)
    for last_try in attempts():
        with last_try:
            stored = store.stored_metric(code)
            put_back.check(besides, None if stored is None else as_json(stored))
            if stored is not None and stored.value == metric:
                return False, as_json(stored)
            if stored is not None:
                _rate_anew(store, jobs, code)
            version = store.put_metric(metric, None if stored is None else stored.version)
            return stored is None, as_json(Stored(metric, version))
    raise AssertionError


def get(store: CatalogueStore, code: str) -> dict[str, Any]:
    """Return a metric's JSON; raises `NotFound`."""
    stored = store.stored_metric(code)
    if stored is None:
        raise NotFound(f"there is no metric {code}")
    return as_json(stored)


def listing(store: CatalogueStore, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of metrics by code, and after which the next one begins."""
    page, last = store.metric_page(after, limit)
    return [as_json(stored) for stored in page], last


def delete(store: CatalogueStore, code: str) -> None:
    """Delete a metric that no charge uses; raises `NotFound`, and `InUse`.

    Its usage stays: it counts again once a metric is put under the same code.
    """
    for last_try in attempts():
        with last_try:
            refs = store.refs_of(code)
            users = _charges_on(store, code)
            if users:
                raise InUse(f"the metric {code} is priced by the charge {users[0]}: delete that one first")
            store.delete_metric(code, refs)
            return


def as_json(stored: Stored[Metric]) -> dict[str, Any]:
    """Return a metric as the API shows it."""
    return stored.value.as_json() | {"version": stored.version}


def _charges_on(store: CatalogueStore, metric: str) -> list[str]:
    return [code for code, versions in store.charges().items() if versions[0].metric == metric]


def _rate_anew(store: CatalogueStore, jobs: RatingJobs, metric: str) -> None:
    charges = _charges_on(store, metric)
    if len(charges) > _MOST_CHARGES_BY_NAME:
        jobs.sweep(delay=COMMIT_SECONDS)
        return
    for charge in charges:
        jobs.sweep(charge, delay=COMMIT_SECONDS)
