"""Keys that are derived from windows: they name their record, and nothing else does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.catalog.identifiers import CODE, MAX_IDEMPOTENCY_KEY, SUBSCRIPTION_ID
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.metering.window_keys import MAX_WRITER, assign_key, compact, expanded, parse_window_key

INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
IDS = st.from_regex(SUBSCRIPTION_ID, fullmatch=True)
CODES = st.from_regex(CODE, fullmatch=True)
WRITERS = st.from_regex(rf"[A-Za-z0-9._-]{{1,{MAX_WRITER}}}", fullmatch=True)


def a_record(
    key: str | None = None,
    *,
    subscription: str = "42",
    metric: str = "m",
    start: datetime = datetime(2026, 11, 3, tzinfo=UTC),
    length: timedelta = timedelta(hours=1),
    properties: str = "",
    member: str | None = None,
) -> UsageRecord:
    return UsageRecord(
        key=key or "",
        key_made=key is None,
        subscription=subscription,
        metric=metric,
        start=sortable(start),
        end=sortable(start + length),
        quantity=Decimal(1),
        number="1",
        properties=properties,
        member=member,
    )


@given(
    pair=st.tuples(IDS, CODES),
    start=INSTANTS,
    length=st.timedeltas(timedelta(microseconds=1), timedelta(days=400)),
    member=st.none() | st.just("user-1"),
    writer=st.none() | WRITERS,
)
def test_a_derived_key_says_where_its_record_is(
    pair: tuple[str, str], start: datetime, length: timedelta, member: str | None, writer: str | None
) -> None:
    subscription, metric = pair
    record = a_record(subscription=subscription, metric=metric, start=start, length=length, member=member)
    assert assign_key(record, by_window=True) is None
    if writer is not None:
        key = f"{record.key}~{writer}"
        record = replace(record, key=key, key_made=False, window_suffix=None)
        assert assign_key(record, by_window=True) is None
        assert record.key == key

    parsed = parse_window_key(record.key)

    assert parsed is not None
    assert str(parsed) == record.key
    assert (parsed.subscription, parsed.metric) == (subscription, metric)
    assert (parsed.start, parsed.end, parsed.suffix) == (record.start, record.end, record.window_suffix)


@given(first=INSTANTS, second=INSTANTS)
def test_compact_instants_sort_as_instants_do(first: datetime, second: datetime) -> None:
    texts = [f"{compact(sortable(each))}#" for each in (first, second)]

    assert (texts[0] < texts[1]) == (first < second)
    assert expanded(texts[0].removesuffix("#")) == sortable(first)
    assert (texts[0] > compact(sortable(second))) == (first >= second)


def test_the_longest_key_is_one_that_can_be_stored() -> None:
    odd = timedelta(microseconds=1)
    record = a_record(subscription="s" * 64, metric="m" * 64, start=datetime(2026, 11, 3, tzinfo=UTC) + odd, member="u")
    assign_key(record, by_window=True)

    longest = f"{record.key}~{'w' * MAX_WRITER}"

    assert len(longest) <= MAX_IDEMPOTENCY_KEY
    assert parse_window_key(longest) is not None
    assert parse_window_key(f"{longest}w") is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "window~42~m",
        "window~42~m~20261103T000000Z~20261103T000000Z",
        "window~42~m~20261104T000000Z~20261103T000000Z",
        "window~42~m~20261303T000000Z~20261304T000000Z",
        "window~42~m~20261103T000000.000000Z~20261104T000000Z",
        "window~42~m~20261103T000000Z~20261104T000000Z~",
        "window~42~m~20261103T000000Z~20261104T000000Z~@0123456789ABCDEF",
        "window~42~M~20261103T000000Z~20261104T000000Z",
        "window~4 2~m~20261103T000000Z~20261104T000000Z",
        "window~42~m~20261103T000000Z~20261104T000000Z\n",
        "window~42~m~\u0662\u0660261103T000000Z~20261104T000000Z",
        " window~42~m~20261103T000000Z~20261104T000000Z",
    ],
)
def test_any_other_key_is_no_derived_one(key: str) -> None:
    assert parse_window_key(key) is None
    assert assign_key(a_record(key or "k"), by_window=False) is None


def test_properties_and_members_never_share_a_key() -> None:
    variants = [("", None), ("", "a"), ('{"a":"b"}', None), ('{"a":"b"}', "a"), ('{"a":"b"}', '{"a":"b"}')]
    records = [a_record(properties=properties, member=member) for properties, member in variants]
    for record in records:
        assign_key(record, by_window=True)

    assert len({record.key for record in records}) == len(records)
    assert records[0].window_suffix == ""


def test_a_derived_key_of_another_metric_is_reserved() -> None:
    fault = assign_key(a_record("window~42~m~20261103T000000Z~20261103T010000Z"), by_window=False)

    assert fault is not None
    assert (fault.field, fault.code) == ("idempotency_key", "reserved_key")


def test_the_message_names_the_key_to_use() -> None:
    fault = assign_key(a_record("k"), by_window=True)

    assert fault is not None
    assert fault.code == "window_key_mismatch"
    assert "window~42~m~20261103T000000Z~20261103T010000Z" in fault.message
