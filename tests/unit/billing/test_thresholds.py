"""Which thresholds are reached."""

from decimal import Decimal

import pytest

from fusion_billing.billing.thresholds import parts_of, reached
from fusion_billing.catalog.charge import Thresholds
from fusion_billing.catalog.validation import parse


@pytest.mark.parametrize(
    ("units", "included", "amount", "names"),
    [
        ("79.99", "100", "0", []),
        ("80", "100", "0", ["included:80"]),
        ("100", "100", "0", ["included:100", "included:80"]),
        ("5", "0", "0", []),
        ("0", "100", "50", ["amount:50"]),
        ("0", "100", "49.99", []),
    ],
)
def test_a_threshold_is_reached_at_its_figure(units: str, included: str, amount: str, names: list[str]) -> None:
    thresholds = parse(Thresholds, {"percent_of_included": ["80", "100"], "amounts": ["50.00"]})
    found = reached(thresholds, units=Decimal(units), included=Decimal(included), amount=Decimal(amount))
    assert sorted(found) == names


def test_a_name_tells_its_kind_and_figure() -> None:
    assert (parts_of("included:80"), parts_of("amount:0.5")) == (("included", "80"), ("amount", "0.5"))
