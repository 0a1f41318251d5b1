"""Whatever is put in the place of anything in a request: an answer, or a refusal that names the field."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from fusion_billing.billing_periods.schedule import billing_period
from fusion_billing.errors import Refused
from fusion_billing.rating import estimate

CHARGE: dict[str, Any] = {
    "name": "Calls",
    "metric": "calls",
    "applies_to": {"plans": ["Pro"]},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "3",
    "model": {"type": "graduated", "tiers": [{"up_to": "1", "unit_amount": "1"}, {"up_to": None}]},
    "filters": [{"properties": {"region": ["eu"]}, "model": {"type": "percentage", "rate_percent": "1"}}],
    "group_by": ["region"],
    "unit_conversion": {"operation": "divide", "factor": "3"},
    "thresholds": {"amounts": ["1"]},
    "minimum_amount": "1",
    "maximum_amount": "2",
    "valid_from": "2026-01-01T00:00:00Z",
}
METRIC: dict[str, Any] = {"aggregation": "sum", "unit": "call", "rounding": {"mode": "up", "digits": 1}}
RECORDS: list[dict[str, Any]] = [
    {
        "quantity": "1",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-01-02T00:00:00Z",
        "member": "ann",
        "properties": {"region": "eu"},
    }
]
REQUEST = {"charge": CHARGE, "metric": METRIC, "records": RECORDS, "previous_units": "1"}

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**60,
    "",
    "x",
    "1e400",
    "nan",
    b"1",
    [],
    [None],
    {},
    {1: 2},
    object(),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def with_odd(path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    request = deepcopy(REQUEST)
    here: Any = request
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = odd
    return request


@pytest.mark.parametrize("path", list(places(REQUEST)), ids=lambda path: ".".join(map(str, path)))
def test_an_odd_value_is_answered_or_refused_where_it_is(path: tuple[Any, ...]) -> None:
    for odd in ODD:
        request = with_odd(path, odd)
        try:
            answer = estimate(request.pop("charge"), **request)
        except Refused as refused:
            named = {fault.field.split(".")[0] for fault in refused.faults}
            assert named <= {path[0], "units"}  # without records, units are what is missing
        else:
            assert answer["currency"] == "USD" or path == ("charge", "currency")


@pytest.mark.parametrize("place", range(5))
def test_an_odd_part_of_a_period_is_refused(place: int) -> None:
    for odd in ODD:
        parts: list[Any] = ["2026-01-31", 1, "month", "UTC", "2026-03-01T00:00:00Z"]
        parts[place] = odd
        if place == 0 and odd is None:
            continue  # the calendar's own periods
        with pytest.raises(Refused):
            billing_period(*parts)
