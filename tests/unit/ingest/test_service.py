"""Records are taken in one order: look-ups, change markers, records; each key's records in theirs."""

from functions.ingest.service import summary, take
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.levels import LEVEL
from fusion_billing.dynamodb.catalog.targets import subscription_key
from fusion_billing.metering.admission import Target
from fusion_billing.retry import Deadline
from tests.unit.ingest.conftest import ADMIN, APP, IngestWorld, record


def test_pairs_are_marked_before_anything_is_stored(world: IngestWorld) -> None:
    world.take(record("a"), record("b", subscription="2"))
    assert world.log == [
        ("find", ["METRIC/m", "S#1/SUB", "S#2/SUB"]),
        ("mark", ["1#m#2026-11", "2#m#2026-11"]),
        ("batch", ["a", "b"]),
    ]


def test_each_outcome(world: IngestWorld) -> None:
    assert world.take(record(quantity=1, sequence=5)) == [("k", "created")]
    assert world.take(record(quantity=1, sequence=5)) == [("k", "unchanged")]
    assert world.take(record(quantity=2, sequence=6)) == [("k", "updated")]
    assert world.take(record(quantity=3, sequence=4)) == [("k", "stale")]
    assert world.take(record(subscription="2")) == [("k", "conflict")]
    assert world.take(record(quantity="-1")) == [("k", "invalid")]
    world.usage.unwritable.add("k")
    assert world.take(record()) == [("k", "unavailable")]


def test_a_record_whose_marker_cannot_be_written_is_not_stored(world: IngestWorld) -> None:
    world.markers.unwritable = {"1#m#2026-11"}
    assert world.take(record("a"), record("b", subscription="2")) == [("a", "unavailable"), ("b", "created")]
    assert set(world.usage.records) == {("src_a", "b")}


def test_a_target_that_cannot_be_looked_up_is_unavailable_not_unknown(world: IngestWorld) -> None:
    world.targets.unreadable = {subscription_key("2")}
    results = world.take(record("a"), record("b", subscription="2"), record("c", subscription="3"))
    assert results == [("a", "created"), ("b", "unavailable"), ("c", "invalid")]


def test_a_batch_of_invalid_records_reads_nothing(world: IngestWorld) -> None:
    assert world.take({}, None) == [(None, "invalid"), (None, "invalid")]
    assert world.log == []


def test_repeated_keys_are_stored_after_the_batch_in_their_order(world: IngestWorld) -> None:
    results = world.take(record("a"), record("b"), record("a", quantity=2), record("a", quantity=3))
    assert results == [("a", "created"), ("b", "created"), ("a", "updated"), ("a", "updated")]
    assert world.log[2:] == [("batch", ["a", "b"]), ("single", ["a"]), ("single", ["a"])]
    assert world.usage.records["src_a", "a"].number == "3"


def test_later_records_of_a_key_wait_for_one_that_was_not_stored(world: IngestWorld) -> None:
    world.usage.unwritable = {"a"}
    results = world.take(record("a"), record("b"), record("a", quantity=2), record("b", quantity=2))
    assert results == [("a", "unavailable"), ("b", "created"), ("a", "unavailable"), ("b", "updated")]
    assert world.log[2:] == [("batch", ["a", "b"]), ("single", ["b"])]


def test_an_invalid_record_does_not_hold_up_its_key(world: IngestWorld) -> None:
    assert world.take(record("a", quantity="-1"), record("a", quantity=2)) == [("a", "invalid"), ("a", "created")]


def test_a_source_is_limited_to_its_metrics_and_plans(world: IngestWorld) -> None:
    limited = Principal("key", "src_a", frozenset({"usage:write"}), frozenset({"m"}), frozenset({"Pro"}))
    results = world.take(record("a"), record("b", subscription="2"), record("c", metric="n"), principal=limited)
    assert results == [("a", "created"), ("b", "invalid"), ("c", "invalid")]


def test_an_alias_is_stored_under_the_subscription_s_own_id(world: IngestWorld) -> None:
    world.targets.subscription("acme", Target("1", "Pro"))
    world.take(record(subscription="acme"))
    assert world.usage.records["src_a", "k"].subscription == "1"
    assert world.markers.names() == ["1#m#2026-11"]


def test_an_admin_pushes_on_behalf_of_another_source(world: IngestWorld) -> None:
    world.targets.source("src_b")
    world.take(record(source="src_b"), principal=ADMIN)
    stored = world.usage.records["src_b", "k"]
    assert (stored.source, stored.actor) == ("src_b", "admin")
    assert world.take(record(source="src_c"), principal=ADMIN) == [("k", "invalid")]


def test_records_of_several_sources_are_stored_source_by_source(world: IngestWorld) -> None:
    world.targets.source("src_b")
    world.take(record("a"), record("b", source="src_b"), record("c"), principal=ADMIN)
    assert world.log[2:] == [("batch", ["a", "c"]), ("single", ["b"])]


def test_nothing_is_refused_from_memory(world: IngestWorld) -> None:
    world.targets.remembered[subscription_key("1")] = Target("1", "Pro", ends="2026-11-01T00:00:00.000000Z")
    assert world.take(record()) == [("k", "created")]
    assert [names for name, names in world.log if name == "find"][1:] == [["S#1/SUB"]]


def test_a_window_outside_the_subscription_s_lifetime_is_invalid(world: IngestWorld) -> None:
    world.targets.subscription("1", Target("1", "Pro", starts="2026-11-04T00:00:00.000000Z"))
    deadline = Deadline(5, world.clock.monotonic, world.clock.sleep)
    [result] = take(world.stores, APP, [record()], world.clock.now, deadline)
    assert (result.code, result.details) == ("before_start", {"started_at": "2026-11-04T00:00:00Z"})


def test_the_window_of_a_level_is_limited(world: IngestWorld) -> None:
    five_weeks = record(period_start="2026-10-01T00:00:00Z", period_end="2026-11-05T00:00:00Z")
    assert world.take(five_weeks) == [("k", "created")]
    world.targets.metric("m", Target(aggregation=LEVEL))
    assert world.take(five_weeks) == [("k", "invalid")]


def test_a_record_without_a_key_gets_one(world: IngestWorld) -> None:
    assert world.take(record(None)) == [("made-1", "created")]


def test_the_summary_counts_each_outcome(world: IngestWorld) -> None:
    deadline = Deadline(5, world.clock.monotonic, world.clock.sleep)
    results = take(world.stores, APP, [record("a"), record("b"), None], world.clock.now, deadline)
    assert summary(results) == {"created": 2, "invalid": 1}


def test_only_an_admin_may_name_another_source(world: IngestWorld) -> None:
    world.targets.source("src_b")
    assert world.take(record(source="src_b")) == [("k", "invalid")]


def test_a_record_without_a_key_that_was_not_looked_up_is_sent_again_without_one(world: IngestWorld) -> None:
    world.targets.unreadable = {subscription_key("1")}
    assert world.take(record(None), record("a")) == [(None, "unavailable"), ("a", "unavailable")]


def test_records_of_a_metric_keyed_by_window_are_one_record_a_window(world: IngestWorld) -> None:
    world.targets.metric("w", Target(by_window=True))
    key = "window~1~w~20261103T000000Z~20261104T000000Z"
    results = world.take(record(None, metric="w"), record(key, metric="w", quantity=2), record("k", metric="w"))
    assert results == [(key, "created"), (key, "updated"), ("k", "invalid")]
    assert world.usage.records["src_a", key].number == "2"
