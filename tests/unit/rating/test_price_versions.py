"""Prices that change in mid-period, and prices that one subscription has otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fusion_billing.catalog.charge import Charge, ChargeOverride
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.decimals import ZERO
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

Make = Callable[..., Charge]
MakeMetric = Callable[..., Metric]
MakeRecord = Callable[..., Record]
November = Callable[..., RatingResult]

ON_THE_11TH = "2026-11-11T00:00:00Z"
ON_THE_21ST = "2026-11-21T00:00:00Z"


def per_unit(amount: str) -> dict[str, str]:
    return {"type": "per_unit", "unit_amount": amount}


def test_each_part_of_the_period_has_its_own_price(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    versions = [
        charge(per_unit("3"), valid_from=ON_THE_21ST),
        charge(per_unit("1")),
        charge(per_unit("2"), valid_from=ON_THE_11TH),
    ]
    records = [record("10", day=9.99), record("10", day=10), record("10", day=20), record("1", day=0)]
    rated = november(versions, metric(), records)
    assert rated.unrounded_amount == 11 * 1 + 10 * 2 + 10 * 3
    assert rated.units == 31
    assert rated.price_versions == (
        None,
        datetime(2026, 11, 11, tzinfo=UTC),
        datetime(2026, 11, 21, tzinfo=UTC),
    )


def test_tiers_and_included_units_go_on_through_a_change(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    def tiers(first: str, second: str) -> dict[str, object]:
        rows = [
            {"up_to": "10", "unit_amount": first, "flat_amount": "5"},
            {"up_to": None, "unit_amount": second},
        ]
        return {"type": "graduated", "tiers": rows}

    versions = [
        charge(tiers("1", "2"), included_units="4"),
        charge(tiers("10", "20"), included_units="4", valid_from=ON_THE_11TH),
    ]
    records = [record("12", day=5), record("6", day=15)]
    # 4 included, 8 at 1 and the flat 5; then 2 more of the first tier at 10, and 4 of the second at 20.
    assert november(versions, metric(), records).unrounded_amount == 8 + 5 + 20 + 80


def test_a_flat_amount_counts_by_its_share_of_the_time(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    versions = [
        charge({"type": "flat", "amount": "10"}),
        charge({"type": "flat", "amount": "99"}, valid_from=ON_THE_11TH),
    ]
    for records in ([record("1", day=20)], []):
        rated = november(versions, metric(), records)
        assert rated.amount == Decimal("69.33")  # (10 x 10 + 20 x 99) / 30
        assert [step.description for step in rated.steps if step.amount] == [
            "1 to 10 November, 10 of 30 days: Flat amount for the period",
            "11 to 30 November, 20 of 30 days: Flat amount for the period",
        ]


def test_a_version_that_prices_the_same_changes_nothing(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    model = {"type": "package", "package_size": "7", "package_amount": "2"}
    again = charge(model, minimum_amount="3", valid_from=ON_THE_11TH)
    records = [record("5", day=9), record("5", day=10), record("5", day=28)]
    for aggregation in ("sum", "max", "last", "average", "count"):
        one = november([charge(model, minimum_amount="3")], metric(aggregation), records)
        two = november([charge(model, minimum_amount="3"), again], metric(aggregation), records)
        assert (one.amount, one.units) == (two.amount, two.units)


def test_minimum_and_maximum_count_by_their_share_of_the_time(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    versions = [
        charge(per_unit("1"), minimum_amount="60", maximum_amount="90"),
        charge(per_unit("10"), maximum_amount="120", valid_from=ON_THE_11TH),
    ]
    low, high = 20, 110  # (10 x 60) / 30, (10 x 90 + 20 x 120) / 30
    assert november(versions, metric(), [record("19", day=0)]).amount == low
    assert november(versions, metric(), [record("50", day=0), record("4", day=11)]).amount == 90
    rated = november(versions, metric(), [record("50", day=0), record("6.5", day=11)])
    assert rated.amount == high
    assert rated.steps[-1].description == (
        "Lowered to the maximum of 110 USD (90 for 10 of 30 days, 120 for 20 of 30 days)"
    )


def test_where_one_version_has_no_maximum_there_is_none(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    versions = [charge(per_unit("1"), maximum_amount="5"), charge(per_unit("1"), valid_from=ON_THE_11TH)]
    assert november(versions, metric(), [record("50", day=0)]).amount == 50


def test_a_version_from_before_the_period_counts_only_if_none_came_after(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    versions = [
        charge(per_unit("1")),
        charge(per_unit("2"), valid_from="2026-10-01T00:00:00Z"),
        charge(per_unit("3"), valid_from="2026-11-01T00:00:00Z"),
        charge(per_unit("9"), valid_from="2026-12-01T00:00:00Z"),
    ]
    assert november(versions, metric(), [record("1")]).amount == 3


def test_before_its_first_version_a_charge_did_not_exist(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    rows = [{"up_to": None, "unit_amount": "1", "flat_amount": "5"}]
    version = charge({"type": "graduated", "tiers": rows}, valid_from=ON_THE_11TH)
    rated = november([version], metric(), [record("100", day=9), record("10", day=10)])
    assert (rated.units, rated.amount) == (Decimal(10), Decimal(15))
    later = charge(per_unit("1"), valid_from="2026-12-01T00:00:00Z")
    nothing = november([later], metric(), [record("100", day=9)])
    assert nothing == RatingResult(ZERO, ZERO, ZERO, ZERO, ZERO, "USD", (), ())
    assert nothing.as_estimate()["amount"] == "0.00"


def test_the_steps_say_which_price_from_when(
    charge: Make, metric: MakeMetric, record: MakeRecord, november: November
) -> None:
    versions = [charge(per_unit("1")), charge(per_unit("2"), valid_from=ON_THE_11TH)]
    rated = november(versions, metric(), [record("5", day=3), record("6", day=11)])
    assert [(step.description, str(step.amount)) for step in rated.steps if step.amount] == [
        ("1 to 10 November: 5 units at 1 each", "5"),
        ("11 to 30 November: 6 units at 2 each", "12"),
    ]


def test_an_override_replaces_what_it_names_and_takes_away_what_it_nulls(charge: Make) -> None:
    standard = charge(per_unit("1"), included_units="10", minimum_amount="5", maximum_amount="50")
    override = parse(ChargeOverride, {"model": per_unit("0.5"), "minimum_amount": None, "included_units": None})
    special = standard.with_override(override)
    assert special.as_json()["model"] == per_unit("0.5")
    assert (special.minimum_amount, special.maximum_amount) == (None, Decimal(50))
    assert special.included_units == 0
    assert special.name == standard.name


def test_an_override_that_contradicts_the_charge_is_refused(charge: Make) -> None:
    override = parse(ChargeOverride, {"minimum_amount": "51"})
    with pytest.raises(Exception, match="maximum_amount"):
        charge(per_unit("1"), maximum_amount="50").with_override(override)
