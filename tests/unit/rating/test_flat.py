"""Flat."""

import pytest

from fusion_billing.rating import estimate


@pytest.mark.parametrize("units", ["0", "1", "1000000"])
def test_a_flat_amount_is_due_whatever_was_used(units: str) -> None:
    charge = {"currency": "USD", "model": {"type": "flat", "amount": "49.9"}, "included_units": "10"}
    assert estimate(charge, units=units)["amount"] == "49.90"


def test_a_flat_amount_is_due_where_nothing_was_recorded() -> None:
    charge = {"currency": "KWD", "model": {"type": "flat", "amount": "49.9"}}
    assert estimate(charge, records=[])["amount"] == "49.900"
