"""Usage records are shown, listed and voided for whoever may see them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from functions.admin.services.usage import Records, Voider, requested_source
from functions.admin.services.usage_reconciliation import reconcile
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source
from fusion_billing.dynamodb.catalog.targets import subscription_key
from fusion_billing.dynamodb.usage.items import Revision, StoredUsageRecord
from fusion_billing.dynamodb.usage.selection import Selection
from fusion_billing.errors import Forbidden, NotFound, Refused, Unavailable
from fusion_billing.metering.admission import Target
from fusion_billing.retry import Deadline
from tests.fakes.api_keys import FakeSources
from tests.fakes.catalog import FakeTargets
from tests.fakes.change_markers import FakeChangeMarkers
from tests.fakes.clock import FakeClock
from tests.fakes.usage import FakeUsageReader

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOURCE = "src_" + "a" * 16
APP = Principal("key", SOURCE, frozenset({"usage:write"}))
ADMIN = Principal("admin", "src_admin", frozenset({"admin"}))


class World:
    """Three records of one pair, and what shows and voids them."""

    def __init__(self) -> None:
        clock = FakeClock(NOW)
        self.reader, self.targets, self.markers = FakeUsageReader(), FakeTargets(), FakeChangeMarkers()
        sources = FakeSources({SOURCE: Source(SOURCE, "app", None, None, created=NOW)})
        self.records = Records(self.reader, sources, self.targets, lambda: Deadline(5, clock.monotonic, clock.sleep))
        self.voider = Voider(self.records, self.markers, self.reader)
        for day in (1, 2, 3):
            key = f"k{day}"
            start = f"2026-11-0{day}T00:00:00.000000Z"
            end = f"2026-11-0{day + 1}T00:00:00.000000Z"
            revision = Revision(1, Decimal(day), None, None, "2026-11-10T00:00:00Z")
            self.reader.items[SOURCE, key] = StoredUsageRecord(
                SOURCE, key, "42", "m", start, end, Decimal(day), 1, None, "", history=(revision,)
            )


@pytest.fixture
def world() -> World:
    return World()


def test_a_record_is_shown_with_its_history(world: World) -> None:
    document = world.records.get(APP, SOURCE, "k1")
    assert (document["subscription"], document["quantity"], document["revision"]) == ("42", "1", 1)
    assert [entry["revision"] for entry in document["history"]] == [1]


def test_an_unknown_record_is_not_found(world: World) -> None:
    with pytest.raises(NotFound) as missing:
        world.records.get(APP, SOURCE, "other")
    assert missing.value.code == "not_found"
    with pytest.raises(NotFound) as missing:
        world.records.get(APP, "src_" + "b" * 16, "k1")
    assert missing.value.code == "unknown_source"


def test_records_are_listed_page_by_page(world: World) -> None:
    wanted = Selection("42", "m", datetime(2026, 11, 2, tzinfo=UTC))
    page, after = world.records.listing(wanted, None, 1)
    rest, end = world.records.listing(wanted, after, 5)
    assert ([record["idempotency_key"] for record in page + rest], end) == (["k2", "k3"], None)


def test_a_voided_record_counts_no_more_and_its_pair_is_marked_first(world: World) -> None:
    result = world.voider.void(APP, SOURCE, "k1", {"reason": "wrong"}, NOW)
    assert result == {"outcome": "voided", "revision": 2}
    assert world.markers.names() == ["42#m#2026-11"]
    assert [record["idempotency_key"] for record in world.records.listing(Selection("42", "m"), None, 9)[0]] == [
        "k2",
        "k3",
    ]
    entry = world.records.get(APP, SOURCE, "k1")["history"][-1]
    assert (entry["voided"], entry["reason"], entry["actor"]) == (True, "wrong", "key")


def test_a_voided_record_stays_voided(world: World) -> None:
    world.voider.void(APP, SOURCE, "k1", {}, NOW)
    assert world.voider.void(APP, SOURCE, "k1", {}, NOW) == {"outcome": "unchanged", "revision": 2}


def test_a_record_whose_pair_cannot_be_marked_is_not_voided(world: World) -> None:
    world.markers.unwritable = {"42#m#2026-11"}
    with pytest.raises(Unavailable):
        world.voider.void(APP, SOURCE, "k1", {}, NOW)
    assert not world.reader.items[SOURCE, "k1"].voided


def test_a_throttled_table_is_unavailable(world: World) -> None:
    world.reader.is_throttled = True
    with pytest.raises(Unavailable):
        world.voider.void(APP, SOURCE, "k1", {}, NOW)


def test_a_reason_must_be_printable(world: World) -> None:
    with pytest.raises(Refused):
        world.voider.void(APP, SOURCE, "k1", {"reason": "a\nb"}, NOW)


def test_an_alias_stands_for_its_subscription(world: World) -> None:
    world.targets.subscription("acme", Target("42"))
    assert (world.records.selected(APP, "acme", "m"), world.records.selected(APP, "none", "m")) == ("42", "none")
    world.targets.unreadable = {subscription_key("acme")}
    with pytest.raises(Unavailable):
        world.records.selected(APP, "acme", "m")


@pytest.mark.parametrize(
    "limits",
    [{"subscriptions": frozenset({"43"})}, {"plans": frozenset({"Basic"})}, {"metrics": frozenset({"other"})}],
    ids=str,
)
def test_a_limited_source_neither_reads_nor_voids_records_beyond_its_limits(
    world: World, limits: dict[str, Any]
) -> None:
    world.targets.subscription("42", Target("42", plan="Pro"))
    limited = Principal("key", SOURCE, frozenset({"usage:write"}), **limits)
    with pytest.raises(NotFound):
        world.records.get(limited, SOURCE, "k1")
    with pytest.raises(NotFound):
        world.voider.void(limited, SOURCE, "k1", {}, NOW)
    assert not world.reader.items[SOURCE, "k1"].voided
    if limited.metrics is None:
        assert world.records.selected(limited, "42", "m") == "~"
    else:
        with pytest.raises(Forbidden):
            world.records.selected(limited, "42", "m")


@pytest.mark.parametrize(
    "limits",
    [{"subscriptions": frozenset({"42"})}, {"plans": frozenset({"Pro"})}, {"metrics": frozenset({"m"})}],
    ids=str,
)
def test_a_limited_source_reads_and_voids_records_within_its_limits(world: World, limits: dict[str, Any]) -> None:
    for name in ("42", "acme"):
        world.targets.subscription(name, Target("42", plan="Pro"))
    limited = Principal("key", SOURCE, frozenset({"usage:write"}), **limits)
    assert world.records.get(limited, SOURCE, "k1")["subscription"] == "42"
    assert world.records.selected(limited, "acme", "m") == "42"
    assert world.voider.void(limited, SOURCE, "k1", {}, NOW)["outcome"] == "voided"


def test_a_source_sees_its_own_records_and_an_admin_all(world: World) -> None:
    assert requested_source(world.records, APP, None) == SOURCE
    assert requested_source(world.records, ADMIN, None) is None
    assert requested_source(world.records, ADMIN, SOURCE) == SOURCE
    with pytest.raises(Refused):
        requested_source(world.records, ADMIN, "src_" + "b" * 16)


def test_an_app_s_books_are_compared_with_what_is_stored(world: World) -> None:
    world.voider.void(APP, SOURCE, "k3", {}, NOW)
    booked = {"k1": "1", "k3": "3", "k9": "9"}
    body = {
        "subscription": "42",
        "metric": "m",
        "from": "2026-11-01T00:00:00Z",
        "to": "2026-12-01T00:00:00Z",
        "records": [{"idempotency_key": key, "quantity": quantity} for key, quantity in booked.items()],
    }
    report = reconcile(world.records, APP, SOURCE, body)
    assert report["missing_in_service"] == [
        {"idempotency_key": "k3", "quantity": "3", "voided": True},
        {"idempotency_key": "k9", "quantity": "9"},
    ]
    assert report["missing_in_app"] == [{"idempotency_key": "k2", "quantity": "2"}]
    assert (report["differing"], report["equal"]) == ([], 1)
    with pytest.raises(Refused):
        reconcile(world.records, APP, SOURCE, {**body, "to": body["from"]})
