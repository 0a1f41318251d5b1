"""Which charges a subscription pays in a period, and by which of their versions."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import CurrencyMismatch, PricedSubscription, Pricing
from fusion_billing.catalog.charge import Charge, ChargeOverride
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import Refused
from fusion_billing.rating.records import Record

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
MID = datetime(2026, 11, 16, tzinfo=UTC)
METRIC = parse(Metric, {"name": "calls", "aggregation": "sum"}, code="calls")
WHO = PricedSubscription("42", "Pro", "USD", "UTC", 42, {})


def _charge(code: str = "calls", **fields: Any) -> Charge:
    common = {
        "name": "calls",
        "metric": "calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": {"type": "per_unit", "unit_amount": "1"},
    }
    return parse(Charge, common | fields, code=code)


def _pricing(*versions: Charge, subscription: PricedSubscription = WHO) -> Pricing | None:
    return PriceBook([METRIC], [versions]).pricing("calls", subscription, NOVEMBER, DECEMBER)


def _amount(price: Pricing | None) -> Decimal:
    """Return what ten units in each half of November come to."""
    assert price is not None
    days = (datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    records = [Record(day.isoformat(), day, day, Decimal(10)) for day in days]
    return price.rate(records, WHO, NOVEMBER, DECEMBER).amount


@pytest.mark.parametrize(
    ("fields", "applies"),
    [
        ({}, True),
        ({"applies_to": {"plans": ["Pro", "Max"]}}, True),
        ({"applies_to": {"plans": ["Max"]}}, False),
        ({"applies_to": {"subscriptions": ["42"]}}, True),
        ({"applies_to": {"subscriptions": ["43"]}}, False),
        ({"active": False}, False),
        ({"valid_from": "2026-11-20T00:00:00Z"}, True),
        ({"valid_from": "2026-12-01T00:00:00Z"}, False),
    ],
)
def test_a_charge_applies_where_it_is_active_in_force_and_covers_the_subscription(
    fields: dict[str, Any], applies: bool
) -> None:
    assert (_pricing(_charge(**fields)) is not None) == applies


@pytest.mark.parametrize(
    ("first", "second", "amount"),
    [
        ({}, {"model": {"type": "per_unit", "unit_amount": "2"}}, "30.00"),
        ({}, {"active": False}, "10.00"),
        ({"active": False}, {}, "10.00"),
        ({"applies_to": {"plans": ["Max"]}}, {}, "10.00"),
        ({}, {"applies_to": {"plans": ["Max"]}, "minimum_amount": "500"}, "10.00"),
    ],
)
def test_each_part_of_a_period_is_charged_by_its_own_version_or_not_at_all(
    first: dict[str, Any], second: dict[str, Any], amount: str
) -> None:
    later = second | {"valid_from": "2026-11-16T00:00:00Z"}
    assert _amount(_pricing(_charge(**first), _charge(**later))) == Decimal(amount)


def test_what_one_subscription_has_otherwise_is_laid_over_every_version() -> None:
    override = parse(ChargeOverride, {"model": {"type": "per_unit", "unit_amount": "0.5"}})
    special = PricedSubscription("42", "Pro", "USD", "UTC", 42, {"calls": override})
    versions = (_charge(), _charge(valid_from="2026-11-16T00:00:00Z"))
    assert _amount(_pricing(*versions, subscription=special)) == Decimal("10.00")
    assert _amount(_pricing(*versions)) == Decimal("20.00")


def test_a_charge_in_another_currency_than_the_subscription_is_refused_by_name() -> None:
    with pytest.raises(CurrencyMismatch, match="calls is in EUR"):
        _pricing(_charge(currency="EUR"))
    assert _pricing(_charge(currency="EUR", active=False)) is None


def _in_two_currencies(**of_the_dollars: Any) -> PriceBook:
    euros, dollars = _charge("euros", currency="EUR"), _charge("dollars", **of_the_dollars)
    return PriceBook([METRIC], [[euros], [dollars]])


def test_of_charges_on_one_metric_that_in_the_subscription_s_currency_applies() -> None:
    book = _in_two_currencies()
    in_euros = replace(WHO, currency="EUR")
    for subscription, its_own, other in ((WHO, "dollars", "euros"), (in_euros, "euros", "dollars")):
        assert book.pricing(its_own, subscription, NOVEMBER, DECEMBER) is not None
        assert book.pricing(other, subscription, NOVEMBER, DECEMBER) is None
    with pytest.raises(CurrencyMismatch):
        book.pricing("euros", replace(WHO, currency="CHF"), NOVEMBER, DECEMBER)


@pytest.mark.parametrize(
    "dollars",
    [{"active": False}, {"applies_to": {"plans": ["Max"]}}, {"valid_from": "2026-12-01T00:00:00Z"}],
)
def test_a_charge_that_does_not_apply_makes_no_other_currency_right(dollars: dict[str, Any]) -> None:
    with pytest.raises(CurrencyMismatch, match="euros is in EUR"):
        _in_two_currencies(**dollars).pricing("euros", WHO, NOVEMBER, DECEMBER)


def test_a_charge_for_one_subscriber_makes_another_currency_right_for_that_one_alone() -> None:
    book = _in_two_currencies(applies_to={"subscriptions": ["42"]})
    assert book.pricing("euros", WHO, NOVEMBER, DECEMBER) is None
    with pytest.raises(CurrencyMismatch):
        book.pricing("euros", replace(WHO, id="43"), NOVEMBER, DECEMBER)


def test_a_charge_whose_override_does_not_fit_is_told_of_and_not_the_one_in_another_currency() -> None:
    unfit = parse(ChargeOverride, {"minimum_amount": "5"})
    subscription = replace(WHO, overrides={"dollars": unfit})
    book = _in_two_currencies(maximum_amount="1")
    assert book.pricing("euros", subscription, NOVEMBER, DECEMBER) is None
    with pytest.raises(Refused):
        book.pricing("dollars", subscription, NOVEMBER, DECEMBER)


def test_a_charge_whose_metric_is_gone_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="calls"):
        PriceBook([], [[_charge()]]).pricing("calls", WHO, NOVEMBER, DECEMBER)


def test_two_subscribers_never_share_a_price_that_is_for_one_of_them() -> None:
    book = PriceBook([METRIC], [[_charge(applies_to={"subscriptions": ["42"]})]])
    other = PricedSubscription("43", "Pro", "USD", "UTC", 43, {})
    assert book.pricing("calls", WHO, NOVEMBER, DECEMBER) is not None
    assert book.pricing("calls", other, NOVEMBER, DECEMBER) is None


def test_a_charge_on_an_unknown_metric_is_refused_by_name() -> None:
    book = PriceBook([], [[_charge()]])
    assert book.metric("calls") is None
    with pytest.raises(LookupError, match=r"^Charge calls is on metric calls, which does not exist$"):
        book.pricing("calls", WHO, NOVEMBER, DECEMBER)


def test_a_book_knows_its_metrics_and_the_newest_version_of_each_charge() -> None:
    first, second, other = _charge(), _charge(valid_from="2026-12-01"), _charge("a_first")
    book = PriceBook([METRIC], [[first, second], [other], []])
    assert book.metric("calls") == METRIC
    assert (book.newest("calls"), book.newest("a_first"), book.newest("missing")) == (second, other, None)
    assert dict(book.by_metric) == {"calls": ["a_first", "calls"]}


def test_a_pricing_is_computed_once_for_all_subscriptions_on_the_same_terms() -> None:
    book = PriceBook([METRIC], [[_charge()]])
    first = book.pricing("calls", WHO, NOVEMBER, DECEMBER)
    assert book.pricing("calls", replace(WHO, id="43", odoo_order_id=43), NOVEMBER, DECEMBER) is first
    assert book.pricing("calls", replace(WHO, plan="Max"), NOVEMBER, DECEMBER) is not first
    assert book.pricing("calls", WHO, NOVEMBER, MID) is not first


def test_currencies_that_differ_are_named() -> None:
    with pytest.raises(CurrencyMismatch, match=r"^charge calls is in EUR, the subscription in USD$"):
        _pricing(_charge(currency="EUR"))


def test_a_shortened_period_is_prorated_against_the_whole_one() -> None:
    price = _pricing(_charge(model={"type": "flat", "amount": "30"}, prorate=True))
    assert price is not None
    whole, shortened = WHO, replace(WHO, whole_from=NOVEMBER)
    amounts = [price.rate([], who, MID, DECEMBER).amount for who in (whole, shortened)]
    assert amounts == [Decimal(30), Decimal(15)]


def test_days_in_steps_are_those_of_the_subscription_s_zone() -> None:
    later = _charge(model={"type": "per_unit", "unit_amount": "2"}, valid_from="2026-11-16")
    tokyo = replace(WHO, timezone="Asia/Tokyo")
    price = _pricing(_charge(), later, subscription=tokyo)
    assert price is not None
    records = [Record("k", MID, MID, Decimal(1))]
    in_tokyo, in_utc = (
        [step.description for step in price.rate(records, who, NOVEMBER, DECEMBER).steps] for who in (tokyo, WHO)
    )
    assert in_tokyo != in_utc


@pytest.mark.parametrize(("life", "applies"), [("lived_until", False), ("lived_from", True)])
def test_a_charge_does_not_apply_to_a_life_that_only_touches_it(life: str, applies: bool) -> None:
    price = _pricing(_charge(valid_from="2026-11-16T00:00:00Z"))
    assert price is not None
    assert price.applies_to(replace(WHO, **{life: MID})) is applies  # type: ignore[arg-type]
    assert not price.applies_to(replace(WHO, lived_from=DECEMBER))
