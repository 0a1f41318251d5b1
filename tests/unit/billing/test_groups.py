"""The limit of a rating's groups."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fusion_billing.billing.groups import MOST_GROUPS, TooManyGroups, check_groups
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import PricedSubscription, Pricing
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.rating.records import Record
from tests.rating_documents import CHARGE

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def _price(**changes: object) -> Pricing:
    charge = parse(Charge, {**CHARGE, **changes}, code="api_calls")
    metric = parse(Metric, {"name": "API calls", "aggregation": "sum"}, code="api_calls")
    subscription = PricedSubscription("42", "Pro", "USD", "UTC", 42, {})
    price = PriceBook([metric], [[charge]]).pricing("api_calls", subscription, NOVEMBER, DECEMBER)
    assert price is not None
    return price


def _records(count: int) -> list[Record]:
    regions = [
        Record(str(number), NOVEMBER, DECEMBER, Decimal(1), properties={"region": str(number)})
        for number in range(count)
    ]
    return [*regions, *regions[:5]]


def test_ten_thousand_groups_are_rated_and_one_more_is_not() -> None:
    price = _price(group_by=["region", "cloud"])
    assert MOST_GROUPS == 10_000
    check_groups(price, _records(10_000))
    with pytest.raises(TooManyGroups) as refused:
        check_groups(price, _records(10_001))
    assert refused.value.code == "too_many_groups"
    assert "charge api_calls is grouped by region, cloud into 10001 groups: at most 10000 " in refused.value.message


def test_a_record_without_properties_is_in_a_group_of_its_own() -> None:
    price = _price(group_by=["region"])
    bare = Record("bare", NOVEMBER, DECEMBER, Decimal(1))
    check_groups(price, [*_records(9_999), bare])
    with pytest.raises(TooManyGroups):
        check_groups(price, [*_records(10_000), bare])


def test_a_charge_without_groups_takes_any_number_of_values() -> None:
    check_groups(_price(), _records(10_001))
