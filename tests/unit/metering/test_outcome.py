"""Every row of the outcome table, without a database."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fusion_billing.metering.outcome import Stored, decide, sequence_is_newer
from fusion_billing.metering.usage_record import UsageRecord

PUSH = UsageRecord("k", False, "42", "api_calls", "s", "e", Decimal(10), "10")
STORED = Stored(PUSH.target, Decimal(10), None, None, 1)


@pytest.mark.parametrize(
    ("stored", "pushed", "outcome"),
    [
        (None, {}, "created"),
        ({}, {}, "unchanged"),
        ({"quantity": Decimal("10.00")}, {}, "unchanged"),
        ({"sequence": 5}, {"sequence": 1}, "unchanged"),
        ({}, {"quantity": Decimal(11)}, "updated"),
        ({"sequence": 5}, {"quantity": Decimal(11)}, "updated"),
        ({"sequence": 5}, {"quantity": Decimal(11), "sequence": 6}, "updated"),
        ({}, {"quantity": Decimal(11), "sequence": 0}, "updated"),
        ({"sequence": 5}, {"quantity": Decimal(11), "sequence": 5}, "stale"),
        ({"sequence": 5}, {"quantity": Decimal(11), "sequence": 4}, "stale"),
        ({}, {"member": "u"}, "updated"),
        ({"member": "u"}, {"member": "v"}, "updated"),
        ({"member": "u", "sequence": 5}, {"member": "v", "sequence": 4}, "stale"),
        ({}, {"subscription": "43"}, "conflict"),
        ({}, {"metric": "seats"}, "conflict"),
        ({}, {"start": "t"}, "conflict"),
        ({}, {"end": "f"}, "conflict"),
        ({}, {"properties": '{"region":"eu"}'}, "conflict"),
        ({"sequence": 5}, {"metric": "seats", "sequence": 4}, "conflict"),
    ],
)
def test_a_push_comes_to_what_the_table_says(
    stored: dict[str, object] | None, pushed: dict[str, object], outcome: str
) -> None:
    before = None if stored is None else replace(STORED, **stored)  # type: ignore[arg-type]
    assert decide(before, replace(PUSH, **pushed)) == outcome  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stored", "pushed", "newer"),
    [(None, None, False), (None, 0, True), (3, None, False), (3, 3, False), (3, 4, True), (4, 3, False)],
)
def test_a_sequence_is_newer_where_it_is_higher_or_the_first(
    stored: int | None, pushed: int | None, newer: bool
) -> None:
    assert sequence_is_newer(replace(STORED, sequence=stored), replace(PUSH, sequence=pushed)) is newer


@pytest.mark.parametrize(
    ("stored", "pushed", "outcome"),
    [
        (None, None, "updated"),
        (None, 1, "updated"),
        (3, None, "updated"),
        (3, 4, "updated"),
        (3, 3, "stale"),
        (3, 2, "stale"),
    ],
)
@pytest.mark.parametrize("quantity", [10, 11])
def test_a_voided_record_counts_again_where_the_push_is_newer(
    stored: int | None, pushed: int | None, outcome: str, quantity: int
) -> None:
    push = replace(PUSH, quantity=Decimal(quantity), sequence=pushed)
    assert decide(Stored(PUSH.target, Decimal(10), stored, None, 2, voided=True), push) == outcome


def test_a_voided_record_is_bound_to_its_target() -> None:
    assert decide(Stored("another", Decimal(10), None, None, 2, voided=True), PUSH) == "conflict"
