"""Steps speak of records as a person would."""

import pytest

from fusion_billing.rating import estimate


@pytest.mark.parametrize(("count", "words"), [(1, "1 record at 2"), (2, "2 records at 2 each")])
def test_one_record_is_no_plural(count: int, words: str) -> None:
    charge = {
        "currency": "USD",
        "model": {"type": "percentage", "rate_percent": "1", "fixed_amount": "2"},
    }
    steps = estimate(charge, records=[{"quantity": "100"}] * count)["steps"]
    assert words in [step["description"] for step in steps]
