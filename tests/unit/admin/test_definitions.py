"""Metrics and charges are put once, over the version read, and rated again if they change."""

from datetime import UTC, datetime

import pytest

from functions.admin.services import charges, metrics
from functions.admin.services.put_request import PutRequest
from fusion_billing.access.principal import Principal
from fusion_billing.errors import Conflict, InUse, NotFound, Refused, Unavailable, VersionConflict
from tests.fakes.catalog import FakeCatalog
from tests.fakes.queue import FakeRatingJobs

NOW = datetime(2026, 11, 20, tzinfo=UTC)
REQUEST = PutRequest(Principal("key", "src_admin", frozenset({"admin"})), NOW)
CONFIRMED = PutRequest(REQUEST.principal, NOW, confirmed=frozenset({"aggregation"}), reason="agreed")

METRIC = {"name": "API calls", "unit": "call", "aggregation": "sum"}
CHARGE = {
    "name": "API calls",
    "metric": "api_calls",
    "applies_to": {"all": True},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "10",
    "model": {"type": "per_unit", "unit_amount": "0.10"},
}


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog()


@pytest.fixture
def jobs() -> FakeRatingJobs:
    return FakeRatingJobs()


def test_a_metric_is_created_once(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    is_new, document = metrics.put(catalog, jobs, "api_calls", dict(METRIC), REQUEST)
    assert (is_new, document["version"]) == (True, 1)
    assert isinstance(document["history"], list)
    assert [(change["version"], change["cause"]) for change in document["history"]] == [(1, "created")]
    assert metrics.put(catalog, jobs, "api_calls", dict(METRIC), REQUEST)[0] is False
    assert jobs.requested == []


def test_a_shown_definition_can_be_put_again(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    _, document = metrics.put(catalog, jobs, "api_calls", dict(METRIC), REQUEST)
    assert metrics.put(catalog, jobs, "api_calls", document, REQUEST)[1] == document


def test_a_put_of_another_version_is_a_conflict(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    metrics.put(catalog, jobs, "api_calls", dict(METRIC), REQUEST)
    metrics.put(catalog, jobs, "api_calls", {**METRIC, "name": "Calls"}, REQUEST)
    with pytest.raises(VersionConflict):
        metrics.put(catalog, jobs, "api_calls", {**METRIC, "version": 1}, REQUEST)


def test_a_writer_that_was_overtaken_decides_again(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    catalog.overtaken_by = lambda: catalog.define_metric("api_calls")
    is_new, document = metrics.put(catalog, jobs, "api_calls", dict(METRIC), REQUEST)
    assert (is_new, document["version"]) == (False, 2)


def test_a_change_of_aggregation_must_be_confirmed_and_is_rated_again(
    catalog: FakeCatalog, jobs: FakeRatingJobs
) -> None:
    catalog.define_metric()
    catalog.define_charge()
    changed = {**METRIC, "aggregation": "max"}
    with pytest.raises(Conflict) as refused:
        metrics.put(catalog, jobs, "api_calls", changed, REQUEST)
    assert refused.value.code == "confirmation_required"
    metrics.put(catalog, jobs, "api_calls", changed, CONFIRMED)
    assert jobs.requested == [("sweep", "api_calls", 10)]
    assert [change.reason for change in catalog.changes["METRIC", "api_calls"]] == ["agreed"]


def test_nothing_is_stored_if_rating_cannot_be_requested(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    catalog.define_metric()
    catalog.define_charge()
    jobs.is_down = True
    with pytest.raises(Unavailable):
        metrics.put(catalog, jobs, "api_calls", {**METRIC, "aggregation": "max"}, CONFIRMED)
    assert catalog.stored_metrics["api_calls"].version == 1


def test_a_metric_that_a_charge_uses_cannot_be_deleted(catalog: FakeCatalog) -> None:
    catalog.define_metric()
    catalog.define_charge()
    with pytest.raises(InUse):
        metrics.delete(catalog, "api_calls", REQUEST)
    catalog.stored_charges.clear()
    metrics.delete(catalog, "api_calls", REQUEST)
    with pytest.raises(NotFound):
        metrics.get(catalog, "api_calls")


def test_metrics_are_listed_page_by_page(catalog: FakeCatalog) -> None:
    for code in ("a", "b", "c"):
        catalog.define_metric(code)
    page, after = metrics.listing(catalog, None, 2)
    rest, end = metrics.listing(catalog, after, 2)
    assert ([metric["code"] for metric in page + rest], end) == (["a", "b", "c"], None)


def test_a_charge_is_created_and_rated(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    catalog.define_metric()
    is_new, document = charges.put(catalog, jobs, "api_calls", dict(CHARGE), REQUEST)
    assert (is_new, document["version"]) == (True, 1)
    assert [name for name, _, _ in jobs.requested] == ["sweep"] * len(jobs.requested)
    assert charges.put(catalog, jobs, "api_calls", dict(CHARGE), REQUEST)[0] is False


def test_a_charge_on_an_unknown_metric_is_refused(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    with pytest.raises(Refused) as refused:
        charges.put(catalog, jobs, "api_calls", dict(CHARGE), REQUEST)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("metric", "unknown_metric")]


def test_a_later_version_of_a_charge_is_kept_beside_the_first(catalog: FakeCatalog, jobs: FakeRatingJobs) -> None:
    catalog.define_metric()
    charges.put(catalog, jobs, "api_calls", dict(CHARGE), REQUEST)
    later = {**CHARGE, "valid_from": "2027-01-01", "model": {"type": "per_unit", "unit_amount": "0.20"}}
    charges.put(catalog, jobs, "api_calls", later, REQUEST)
    assert len(catalog.stored_charges["api_calls"].value) == 2
