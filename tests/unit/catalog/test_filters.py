"""Filters that are never reached: held against what the selection really does with records."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.filters import unreachable_filters
from fusion_billing.rating.records import Record
from fusion_billing.rating.selection import segments

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
MODEL = {"type": "per_unit", "unit_amount": "1"}


def _filters(*properties: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [{"properties": each, "model": MODEL} for each in properties]


def _unreachable(*properties: dict[str, list[str]]) -> list[int]:
    return [int(fault.field.split(".")[1]) for fault in unreachable_filters(_filters(*properties))]


@pytest.mark.parametrize(
    ("properties", "unreachable"),
    [
        ([{"cloud": ["aws", "gcp"]}, {"cloud": ["aws"]}], [1]),
        ([{"cloud": ["aws"]}, {"cloud": ["aws", "gcp"]}], []),
        ([{"cloud": ["aws"]}, {"cloud": ["gcp"]}, {"cloud": ["gcp", "aws"]}], [2]),
        ([{"cloud": ["aws"]}, {"cloud": ["gcp"]}, {"cloud": ["gcp", "aws", "azure"]}], []),
        # The one that names more is chosen first, wherever it is listed, and needs what others may lack.
        ([{"cloud": ["aws"]}, {"cloud": ["aws"], "region": ["eu"]}], []),
        ([{"cloud": ["aws"], "region": ["eu"]}, {"cloud": ["aws"]}], []),
        ([{"cloud": ["aws"]}, {"region": ["eu"]}], []),
        (
            [
                {"cloud": ["aws"], "region": ["eu", "us"]},
                {"cloud": ["gcp"], "region": ["eu"]},
                {"cloud": ["gcp"], "region": ["us"]},
                {"cloud": ["aws", "gcp"], "region": ["eu", "us"]},
            ],
            [3],
        ),
        (
            [
                {"cloud": ["aws"], "region": ["eu", "us"]},
                {"cloud": ["gcp"], "region": ["eu"]},
                {"cloud": ["aws", "gcp"], "region": ["eu", "us"]},
            ],
            [],
        ),
        ([{"cloud": ["aws"]}, {"cloud": ["aws"]}], []),  # named a duplicate already
        ([{"cloud": ["aws", "gcp"]}, {"cloud": ["aws"]}, {"cloud": ["gcp"]}], [1, 2]),
    ],
)
def test_a_filter_whose_every_record_is_taken_before_is_named(
    properties: list[dict[str, list[str]]], unreachable: list[int]
) -> None:
    assert _unreachable(*properties) == unreachable


@pytest.mark.parametrize("raw", [None, {}, [None], [{}], [{"properties": {"a": [1]}}], [{"properties": {}}]])
def test_what_is_malformed_is_passed_over(raw: object) -> None:
    assert list(unreachable_filters(raw)) == []


def test_very_many_filters_are_looked_at_in_no_time() -> None:
    names = [f"p{n}" for n in range(20)]
    values = [f"v{n}" for n in range(50)]
    narrow = [
        {name: ([values[n % 50], *values[25:]] if at == n % 20 else values) for at, name in enumerate(names)}
        for n in range(99)
    ]
    assert 99 not in _unreachable(*narrow, dict.fromkeys(names, values))


VALUES = st.lists(st.sampled_from("abc"), min_size=1, unique=True)
PROPERTIES = st.dictionaries(st.sampled_from("xyz"), VALUES, min_size=1, max_size=3)


@given(st.lists(PROPERTIES, min_size=1, max_size=6))
def test_the_selection_agrees(properties: list[dict[str, list[str]]]) -> None:
    """A filter that some record reaches is never called unreachable, and one that none reaches always is."""
    charge = Charge.model_validate(
        {
            "code": "calls",
            "name": "calls",
            "metric": "calls",
            "applies_to": {"all": True},
            "currency": "USD",
            "odoo_product_id": 7,
            "model": MODEL,
            "filters": _filters(*properties),
        }
    )
    records = [
        Record(
            str(combination),
            NOVEMBER,
            NOVEMBER,
            Decimal(1),
            None,
            {name: value for name, value in zip("xyz", combination, strict=True) if value},
        )
        for combination in product(["a", "b", "c", ""], repeat=3)
    ]
    found = segments(charge, records)[: len(properties)]
    never = {index for index, segment in enumerate(found) if not segment.records}
    same = {index for index, each in enumerate(properties) if _selects_the_same(each, properties[:index])}
    assert set(_unreachable(*properties)) == never - same


def _selects_the_same(properties: dict[str, list[str]], earlier: list[dict[str, list[str]]]) -> bool:
    selections = [{name: set(values) for name, values in each.items()} for each in earlier]
    return {name: set(values) for name, values in properties.items()} in selections
