"""A subscription's overrides: one for a charge, or several dated ones."""

from datetime import date
from typing import Any

import pytest

from fusion_billing.catalog.charge import ChargeOverride
from fusion_billing.catalog.identifiers import MAX_DATED_OVERRIDES
from fusion_billing.catalog.overrides import dated
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import Refused
from tests.rating_definitions import subscription_body

BODY: dict[str, Any] = subscription_body(timezone="Europe/Berlin", start_date="2026-11-01")
CHEAPER = {"model": {"type": "per_unit", "unit_amount": "0.002"}}
NO_MINIMUM = {"minimum_amount": None, "valid_from": "2026-11-15"}


def subscription(overrides: Any) -> Subscription:
    return parse(Subscription, BODY | {"overrides": overrides}, id="42")


@pytest.mark.parametrize(
    "overrides",
    [
        {"calls": CHEAPER},
        {"calls": NO_MINIMUM},
        {"calls": [CHEAPER, NO_MINIMUM]},
        {"calls": [{"valid_from": "2026-12-01T10:00:00Z"}], "storage": CHEAPER},
    ],
)
def test_overrides_are_kept_in_the_shape_they_were_given_in(overrides: dict[str, Any]) -> None:
    made = subscription(overrides)
    assert made.as_json()["overrides"] == overrides
    assert Subscription.model_validate(made.as_json()) == made


def test_one_override_and_several_are_told_apart_by_shape_alone() -> None:
    made = subscription({"calls": CHEAPER, "storage": [CHEAPER, NO_MINIMUM]}).overrides or {}
    assert isinstance(made["calls"], ChargeOverride)
    assert [each.valid_from for each in dated(made["storage"])] == [None, date(2026, 11, 15)]
    assert dated(made["calls"]) == (made["calls"],)
    assert dated(None) == ()


@pytest.mark.parametrize(
    ("overrides", "faults"),
    [
        ({"calls": []}, [("overrides.calls", "empty")]),
        ({"calls": [CHEAPER, CHEAPER]}, [("overrides.calls", "duplicate")]),
        ({"calls": "cheap"}, [("overrides.calls", "not_an_object")]),
        ({"calls": [CHEAPER, {"price": 1}]}, [("overrides.calls.1.price", "unknown_field")]),
        (
            {"calls": [{"valid_from": f"{year}-01-01"} for year in range(2000, 2001 + MAX_DATED_OVERRIDES)]},
            [("overrides.calls", "too_many")],
        ),
        (
            {"calls": [CHEAPER, {"minimum_amount": 2, "maximum_amount": 1, "valid_from": "2026-11-15"}]},
            [("overrides.calls.1.minimum_amount", "minimum_above_maximum")],
        ),
        (
            {"calls": [{"model": {"type": "volume", "tiers": [{"up_to": "1"}]}}]},
            [("overrides.calls.0.model.tiers.0.up_to", "no_open_last_tier")],
        ),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(overrides: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused) as refused:
        subscription(overrides)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == faults
