"""A marker of many pairs names exactly these pairs, whatever their names."""

from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.dynamodb.keys.markers import batch_partitions
from fusion_billing.dynamodb.markers.batch_items import digest, packed, unpacked
from fusion_billing.dynamodb.markers.change_markers import marker_item

_SUBSCRIPTION = st.from_regex(r"!?[A-Za-z0-9._:-]{1,64}", fullmatch=True)
_METRIC = st.from_regex(r"[a-z0-9_.-]{1,64}", fullmatch=True) | st.just("*")
_MONTH = st.dates().map(lambda day: f"{day:%Y-%m}")
NAMES = st.sets(st.tuples(_SUBSCRIPTION, _METRIC, _MONTH).map("#".join), min_size=1, max_size=20)


@given(NAMES)
def test_what_is_packed_is_unpacked(names: set[str]) -> None:
    assert sorted(unpacked(packed(names))) == sorted(names)
    assert digest(packed(names)) == digest(packed(sorted(names, reverse=True)))


@given(NAMES)
def test_only_requested_subscriptions_are_unpacked(names: set[str]) -> None:
    requested = next(iter(names)).partition("#")[0]
    assert set(unpacked(packed(names), requested.__eq__)) == {
        name for name in names if name.startswith(f"{requested}#")
    }


def test_a_hundred_pairs_take_less_than_a_write_unit() -> None:
    names = {f"{100_000 + 7919 * number % 900_000}#api_calls#2026-11" for number in range(100)}
    item = marker_item(names, "2026-11-22T15", 16)
    assert len(item["pairs"]["B"]) < 600


def test_batches_of_several_shards_are_spread_over_a_partition_for_each_four_shards() -> None:
    assert [len(batch_partitions("2026-11-22T15", shards)) for shards in (1, 4, 16, 100)] == [1, 1, 4, 25]
    items = [marker_item({f"{n}#m#2026-11", f"{n}x#m#2026-11"}, "2026-11-22T15", 16) for n in range(200)]
    partitions = {item["pk"]["S"] for item in items if "*" in item["pk"]["S"]}
    assert partitions == set(batch_partitions("2026-11-22T15", 16))
