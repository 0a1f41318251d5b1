"""Package."""

import pytest

from fusion_billing.rating import estimate


@pytest.mark.parametrize(
    ("units", "size", "rounding", "included", "amount"),
    [
        ("0", "100", "up", "0", "0.00"),
        ("0.001", "100", "up", "0", "5.00"),
        ("100", "100", "up", "0", "5.00"),
        ("100.000001", "100", "up", "0", "10.00"),
        ("99.9", "100", "down", "0", "0.00"),
        ("199", "100", "down", "0", "5.00"),
        ("50", "100", "up", "50", "0.00"),
        ("51", "100", "up", "50", "5.00"),
        ("30", "100", "up", "50", "0.00"),
        ("1", "0.3", "up", "0", "20.00"),
        ("0.9", "0.3", "up", "0", "15.00"),
    ],
)
def test_a_package_begun_is_due_whole_unless_rounded_down(
    units: str, size: str, rounding: str, included: str, amount: str
) -> None:
    model = {"type": "package", "package_size": size, "package_amount": "5", "rounding": rounding}
    charge = {"currency": "USD", "model": model, "included_units": included}
    assert estimate(charge, units=units)["amount"] == amount


def test_packages_are_rounded_up_unless_it_says_otherwise() -> None:
    model = {"type": "package", "package_size": "10", "package_amount": "1"}
    assert estimate({"currency": "USD", "model": model}, units="11")["amount"] == "2.00"


def test_the_last_of_thirty_eight_digits_begins_a_package() -> None:
    model = {"type": "package", "package_size": "3", "package_amount": "1"}
    thirds = "9" * 37 + "0"
    more = "9" * 37 + "1"
    charge = {"currency": "JPY", "model": model}
    assert int(estimate(charge, units=thirds)["amount"]) == int(thirds) // 3
    assert int(estimate(charge, units=more)["amount"]) == int(thirds) // 3 + 1
