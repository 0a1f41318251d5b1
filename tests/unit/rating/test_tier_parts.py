"""Which part of a quantity falls in which tier."""

from decimal import Decimal

import pytest

from fusion_billing.catalog.price_models import Graduated, GraduatedPercentage, Package, Percentage, PriceModel, Volume
from fusion_billing.catalog.validation import parse
from fusion_billing.rating.models import price
from fusion_billing.rating.models.tiers import fee, holding, parts, span
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.result import Step
from tests.unit.rating.conftest import make_charge

ROWS = [
    {"up_to": "5", "unit_amount": "1", "flat_amount": "10"},
    {"up_to": "8", "unit_amount": "2"},
    {"up_to": None, "unit_amount": "3", "flat_amount": "30"},
]
GRADUATED = parse(Graduated, {"type": "graduated", "tiers": ROWS})
VOLUME = parse(Volume, {"type": "volume", "tiers": ROWS})
EACH = "of 10 (rounded up) at 4 each"
NAMES = ["Tier 1 (up to 5)", "Tier 2 (up to 8)", "Tier 3 (open-ended)"]


def _plain(steps: list[Step]) -> list[tuple[object, ...]]:
    return [tuple(step) for step in steps]


def _priced(model: PriceModel, usage: Usage) -> list[tuple[object, ...]]:
    return _plain(price(model, usage))


def _usage(units: str, before: str | None = None, total: str | None = None) -> Usage:
    earlier = None if before is None else Usage(Decimal(before))
    return Usage(Decimal(units), before=earlier, total=None if total is None else Decimal(total))


@pytest.mark.parametrize(
    ("units", "before", "expected"),
    [
        ("0", None, [(0, "0", True)]),
        ("5", None, [(0, "5", True)]),
        ("5.5", None, [(0, "5", True), (1, "0.5", True)]),
        ("8", None, [(0, "5", True), (1, "3", True)]),
        ("20", None, [(0, "5", True), (1, "3", True), (2, "12", True)]),
        ("4", "0", [(0, "4", False)]),  # the first tier is entered from the start
        ("4", "4", []),
        ("5", "4", [(0, "1", False)]),
        ("6", "4", [(0, "1", False), (1, "1", True)]),
        ("6", "5", [(1, "1", True)]),
        ("7", "6", [(1, "1", False)]),
        ("9", "6", [(1, "2", False), (2, "1", True)]),
        ("10", "8", [(2, "2", True)]),
        ("10", "9", [(2, "1", False)]),
        ("20", "0", [(0, "5", False), (1, "3", True), (2, "12", True)]),
    ],
)
def test_units_fall_in_the_tiers_past_what_came_before(
    units: str, before: str | None, expected: list[tuple[int, str, bool]]
) -> None:
    found = list(parts(GRADUATED.tiers, _usage(units, before)))
    assert [(name, part.units, part.is_entered) for name, _, part in found] == [
        (NAMES[index], Decimal(part), is_entered) for index, part, is_entered in expected
    ]
    assert [tier for _, tier, _ in found] == [GRADUATED.tiers[index] for index, _, _ in expected]


@pytest.mark.parametrize(("units", "number"), [("0", 1), ("5", 1), ("5.001", 2), ("8", 2), ("8.5", 3), ("1000000", 3)])
def test_a_total_falls_in_the_first_tier_whose_bound_it_does_not_pass(units: str, number: int) -> None:
    assert holding(VOLUME.tiers, Decimal(units)) == (number, VOLUME.tiers[number - 1])
    assert holding(VOLUME.tiers[:2], Decimal(99)) == (2, VOLUME.tiers[1])


def test_a_tier_is_named_by_its_number_and_bound() -> None:
    assert [span(number, tier) for number, tier in enumerate(GRADUATED.tiers, start=1)] == NAMES


def test_a_flat_amount_is_due_by_its_share() -> None:
    first, second, _ = GRADUATED.tiers
    assert _plain(fee("Tier 1", second, _usage("1"))) == []
    assert _plain(fee("Tier 1", first, _usage("1"))) == [("Tier 1: flat amount", 1, 10, 10)]
    half = Usage(Decimal(1), fee_share=Decimal("0.5"), fee_words="15 of 30 days")
    assert _plain(fee("Tier 1", first, half)) == [("Tier 1: flat amount of 10, 15 of 30 days", 1, 5, 5)]


@pytest.mark.parametrize(
    ("usage", "steps"),
    [
        (
            _usage("0"),
            [("Tier 1 (up to 5): all 0 units at 1 each", 0, 1, 0), ("Tier 1 (up to 5): flat amount", 1, 10, 10)],
        ),
        (
            _usage("1"),
            [("Tier 1 (up to 5): 1 unit at 1", 1, 1, 1), ("Tier 1 (up to 5): flat amount", 1, 10, 10)],
        ),
        (_usage("7"), [("Tier 2 (up to 8): all 7 units at 2 each", 7, 2, 14)]),
        (
            _usage("1", total="7"),
            [("Tier 2 (up to 8): 1 unit at 2, as the period has 7 units in all", 1, 2, 2)],
        ),
        (
            _usage("3", before="1", total="9"),
            [("Tier 3 (open-ended): 2 units at 3 each, as the period has 9 units in all", 2, 3, 6)],
        ),
        (
            _usage("9", before="3"),
            [
                ("Tier 3 (open-ended): 6 units at 3 each, as the period has 9 units in all", 6, 3, 18),
                ("Tier 3 (open-ended): flat amount", 1, 30, 30),
            ],
        ),
        (_usage("9", before="9"), [("Tier 3 (open-ended): flat amount", 1, 30, 30)]),
        (_usage("0", before="0", total="9"), []),
    ],
)
def test_a_volume_is_priced_by_the_tier_of_the_total(usage: Usage, steps: list[tuple[str, int, int, int]]) -> None:
    assert _priced(VOLUME, usage) == steps


def test_graduated_tiers_are_priced_by_their_steps() -> None:
    assert _priced(GRADUATED, _usage("9", before="4")) == [
        ("Tier 1 (up to 5): 1 unit at 1", 1, 1, 1),
        ("Tier 2 (up to 8): 3 units at 2 each", 3, 2, 6),
        ("Tier 3 (open-ended): 1 unit at 3", 1, 3, 3),
        ("Tier 3 (open-ended): flat amount", 1, 30, 30),
    ]


def test_graduated_percentages_are_of_the_units_in_each_tier() -> None:
    rows = [{"up_to": "5", "rate_percent": "10", "flat_amount": "4"}, {"up_to": None, "rate_percent": "2.5"}]
    model = make_charge({"type": "graduated_percentage", "tiers": rows}).model
    assert isinstance(model, GraduatedPercentage)
    assert _priced(model, _usage("9")) == [
        ("Tier 1 (up to 5): 10 % of 5", 5, Decimal("0.1"), Decimal("0.5")),
        ("Tier 1 (up to 5): flat amount", 1, 4, 4),
        ("Tier 2 (open-ended): 2.5 % of 4", 4, Decimal("0.025"), Decimal("0.1")),
    ]
    assert _priced(model, _usage("9", before="4")) == [
        ("Tier 1 (up to 5): 10 % of 1", 1, Decimal("0.1"), Decimal("0.1")),
        ("Tier 2 (open-ended): 2.5 % of 4", 4, Decimal("0.025"), Decimal("0.1")),
    ]


@pytest.mark.parametrize(
    ("units", "before", "rounding", "step"),
    [
        ("0", None, "up", ("0 units are 0 packages of 10 (rounded up) at 4 each", 0, 4, 0)),
        ("1", None, "up", ("1 unit is 1 package of 10 (rounded up) at 4", 1, 4, 4)),
        ("1", None, "down", ("1 unit is 0 packages of 10 (rounded down) at 4 each", 0, 4, 0)),
        ("11", None, "up", ("11 units are 2 packages of 10 (rounded up) at 4 each", 2, 4, 8)),
        ("19", None, "down", ("19 units are 1 package of 10 (rounded down) at 4", 1, 4, 4)),
        ("12", "9", "up", ("3 units more, 12 units in all, need 1 more package of 10 (rounded up) at 4", 1, 4, 4)),
        (
            "31",
            "11",
            "up",
            ("20 units more, 31 units in all, need 2 more packages of 10 (rounded up) at 4 each", 2, 4, 8),
        ),
        (
            "12",
            "11",
            "up",
            ("1 unit more, 12 units in all, need 0 more packages of 10 (rounded up) at 4 each", 0, 4, 0),
        ),
    ],
)
def test_packages_are_the_whole_ones_past_those_before(
    units: str, before: str | None, rounding: str, step: tuple[str, int, int, int]
) -> None:
    model = make_charge({"type": "package", "package_size": "10", "package_amount": "4", "rounding": rounding}).model
    assert isinstance(model, Package)
    assert _priced(model, _usage(units, before)) == [step]


def _portions(*quantities: str, before: Usage | None = None) -> Usage:
    numbers = [Decimal(quantity) for quantity in quantities]
    return Usage(sum(numbers, Decimal(0)), numbers, before)


def _percentage(**more: object) -> Percentage:
    model = make_charge({"type": "percentage", "rate_percent": "10", **more}).model
    assert isinstance(model, Percentage)
    return model


def test_a_percentage_alone_is_one_step() -> None:
    assert _priced(_percentage(), _portions("50", "30")) == [("10 % of 80", 80, Decimal("0.1"), 8)]


def test_the_steps_of_a_percentage_with_all_its_parts() -> None:
    model = _percentage(fixed_amount="1", free_records=2, free_amount="60", record_minimum="2.5", record_maximum="9")
    usage = _portions("50", "30", "5", "200", "10", "300")
    # the free amount ends within the second record: 20 of it pay
    assert _priced(model, usage) == [
        ("Free: 1 of 6 records", 60, 0, 0),
        ("10 % of 535", 535, Decimal("0.1"), Decimal("53.5")),
        ("5 records at 1 each", 5, 1, 5),
        ("2 records raised to the minimum of 2.5 each", 1, Decimal("1.5"), Decimal("1.5")),
        ("2 records lowered to the maximum of 9 each", 1, -34, -34),
    ]


def test_what_came_before_a_part_has_used_its_free_records_and_bounds() -> None:
    model = _percentage(fixed_amount="1", free_records=2, record_minimum="2.5", record_maximum="9")
    before = _portions("50", "30", "5")
    usage = _portions("50", "30", "5", "200", "10", before=before)
    assert _priced(model, usage) == [
        ("10 % of 210", 210, Decimal("0.1"), 21),
        ("2 records at 1 each", 2, 1, 2),
        ("1 record raised to the minimum of 2.5", 1, Decimal("0.5"), Decimal("0.5")),
        ("1 record lowered to the maximum of 9", 1, -12, -12),
    ]


def test_records_that_were_priced_as_one_may_grow_past_a_bound() -> None:
    low, high = _percentage(record_minimum="5"), _percentage(record_maximum="5")
    assert _priced(low, _portions("45", before=_portions("20"))) == [
        ("10 % of 25", 25, Decimal("0.1"), Decimal("2.5")),
        ("Difference to what was raised to the minimum of 5 before", 1, Decimal("-2.5"), Decimal("-2.5")),
    ]
    assert _priced(high, _portions("80", before=_portions("60"))) == [
        ("10 % of 20", 20, Decimal("0.1"), 2),
        ("Difference to what was lowered to the maximum of 5 before", 1, -2, -2),
    ]
    assert _priced(low, _portions("80", before=_portions("60"))) == [("10 % of 20", 20, Decimal("0.1"), 2)]


@pytest.mark.parametrize(
    ("free", "quantities", "steps"),
    [
        ({"free_amount": "100"}, ("0", "0"), [("Free: 2 of 2 records", 0, 0, 0), ("10 % of 0", 0, Decimal("0.1"), 0)]),
        ({"free_records": 1}, ("7",), [("Free: 1 of 1 record", 7, 0, 0), ("10 % of 0", 0, Decimal("0.1"), 0)]),
        (
            {"free_records": 1},
            ("7", "20"),
            [("Free: 1 of 2 records", 7, 0, 0), ("10 % of 20", 20, Decimal("0.1"), 2)],
        ),
        (
            {"free_amount": "10"},
            ("30",),
            [("Free: 0 of 1 record", 10, 0, 0), ("10 % of 20", 20, Decimal("0.1"), 2)],
        ),
    ],
)
def test_free_records_and_amounts_are_noted(
    free: dict[str, object], quantities: tuple[str, ...], steps: list[tuple[str, int, Decimal | int, int]]
) -> None:
    assert _priced(_percentage(**free), _portions(*quantities)) == steps


def test_units_beyond_all_tiers_are_in_the_last_one() -> None:
    tiers = [
        tier.model_copy(update={"up_to": Decimal(bound)}) for tier, bound in zip(VOLUME.tiers, (5, 10, 20), strict=True)
    ]
    assert holding(tiers, Decimal(30)) == (3, tiers[2])
