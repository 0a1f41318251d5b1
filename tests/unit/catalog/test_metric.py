"""A metric's definition."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing import strict_json
from fusion_billing.catalog.identifiers import MAX_LEVEL_WINDOW
from fusion_billing.catalog.levels import LEVEL
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import Refused
from fusion_billing.instants import rfc3339
from fusion_billing.metering.admission import is_long
from fusion_billing.metering.usage_record import UsageRecord

BODY = {"name": "API calls", "unit": "call", "aggregation": "sum"}


@pytest.mark.parametrize(
    "aggregation", ["sum", "count", "max", "min", "last", "average", "unique_count", "time_weighted"]
)
def test_a_metric_goes_out_as_it_came_in(aggregation: str) -> None:
    whole = BODY | {
        "aggregation": aggregation,
        "rounding": {"mode": "half_up", "digits": 2},
        "code": "api_calls",
    }
    assert parse(Metric, whole).as_json() == whole


def test_a_quantity_is_rounded_to_whole_units_unless_digits_are_named() -> None:
    metric = parse(Metric, BODY | {"rounding": {"mode": "up"}}, code="m")
    assert metric.as_json()["rounding"] == {"mode": "up", "digits": 0}


def test_digits_may_be_a_json_number() -> None:
    body = strict_json.loads('{"name": "A", "aggregation": "max", "rounding": {"mode": "up", "digits": -3}}')
    metric = parse(Metric, body, code="m")
    assert metric.rounding is not None
    assert metric.rounding.digits == -3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"aggregation": "median"}, ("aggregation", "unknown_value")),
        ({"aggregation": None}, ("aggregation", "missing")),
        ({"name": ""}, ("name", "empty")),
        ({"unit": 5}, ("unit", "not_a_string")),
        ({"currency": "EUR"}, ("currency", "unknown_field")),
        ({"rounding": {"mode": "sideways"}}, ("rounding.mode", "unknown_value")),
        ({"rounding": {"mode": "up", "digits": 1.5}}, ("rounding.digits", "not_an_integer")),
        ({"rounding": {"mode": "up", "digits": 39}}, ("rounding.digits", "out_of_range")),
    ],
)
def test_each_fault_is_named_where_it_is(change: dict[str, Any], expected: tuple[str, str]) -> None:
    with pytest.raises(Refused) as refusal:
        parse(Metric, BODY | change, code="api_calls")
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [expected]


@pytest.mark.parametrize("code", ["", "A", "a b", "a#b", "a" * 65, "é"])
def test_a_code_is_short_and_plain(code: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse(Metric, BODY, code=code)
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [("code", "invalid_identifier")]


def test_records_are_looked_for_as_far_back_as_the_longest_level_reaches() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    level = parse(Metric, {**BODY, "aggregation": LEVEL}, code="seats")
    assert (level.records_from(at), parse(Metric, BODY, code="calls").records_from(at)) == (
        at - MAX_LEVEL_WINDOW,
        at,
    )
    pushed = UsageRecord("k", False, "42", "seats", "2026-09-30T00:00:00Z", rfc3339(at), Decimal(1), "1")
    assert not is_long(pushed)
    assert is_long(replace(pushed, end="2026-11-01T00:00:00.000001Z"))
