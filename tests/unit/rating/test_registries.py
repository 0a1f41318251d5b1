"""What a definition may name, rating can do: a name that is added in one place alone fails here."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast, get_args

import pytest

from fusion_billing.catalog.metric import DECIMAL_ROUNDING, Aggregation, RoundingMode
from fusion_billing.catalog.price_models import Package, PriceModel
from fusion_billing.rating import exact
from fusion_billing.rating.aggregations import AGGREGATORS, Aggregator
from fusion_billing.rating.models import price
from fusion_billing.rating.models.usage import Usage
from tests.unit.rating.test_every_pair import MODELS

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = datetime(2026, 12, 1, tzinfo=UTC)
TIERS = [{"up_to": None}]
FIELDS: dict[str, dict[str, Any]] = {
    "per_unit": {"unit_amount": "1"},
    "graduated": {"tiers": TIERS},
    "volume": {"tiers": TIERS},
    "package": {"package_size": "1", "package_amount": "1"},
    "percentage": {"rate_percent": "1"},
    "graduated_percentage": {"tiers": TIERS},
    "flat": {"amount": "1"},
}
CLASSES: tuple[Any, ...] = get_args(get_args(PriceModel)[0])
NAMES = [get_args(each.model_fields["type"].annotation)[0] for each in CLASSES]


def test_every_aggregation_is_known_and_no_other() -> None:
    aggregators = cast("dict[str, Aggregator]", AGGREGATORS)
    assert set(aggregators) == set(get_args(Aggregation))
    assert len({aggregator.words for aggregator in aggregators.values()}) == len(aggregators)
    for aggregator in aggregators.values():
        assert aggregator.aggregate([], NOW, LATER) == 0


def test_sums_counts_and_levels_add_up_over_the_parts_of_a_period() -> None:
    aggregators = cast("dict[str, Aggregator]", AGGREGATORS)
    adding = {name for name, aggregator in aggregators.items() if aggregator.adds_up}
    assert adding == {"sum", "count", "time_weighted"}


def test_every_charge_model_is_tested_as_one_of_every_pair() -> None:
    assert set(MODELS) == set(NAMES) == set(FIELDS)


@pytest.mark.parametrize(("each", "name"), list(zip(CLASSES, NAMES, strict=True)))
def test_every_charge_model_has_a_price(each: Any, name: str) -> None:
    model = each.model_validate({"type": name} | FIELDS[name])
    assert price(model, Usage(Decimal(1), [Decimal(1)]))


def test_every_rounding_mode_rounds() -> None:
    assert set(DECIMAL_ROUNDING) == set(get_args(RoundingMode))
    for mode in get_args(RoundingMode):
        for number in (Decimal("2.5"), exact.Ratio(5, 2)):
            assert exact.rounded(number, mode, 0) in {2, 3}
    assert set(get_args(Package.model_fields["rounding"].annotation)) <= set(get_args(RoundingMode))
