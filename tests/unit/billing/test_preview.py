"""What a change of definitions would do to open periods."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.preview import (
    MOST_LISTED,
    Comparison,
    Figures,
    FiguresJson,
    Preview,
    PreviewJson,
    Side,
    TooManyRecords,
    preview,
)
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import PricedSubscription
from fusion_billing.billing_periods.advance import first_seen
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.rating.records import Record

NOVEMBER, NOVEMBER_20, DECEMBER = (datetime(2026, *day, tzinfo=UTC) for day in ((11, 1), (11, 20), (12, 1)))
CALENDAR = first_seen(Terms(date(2026, 11, 1), date(2026, 12, 1), 1, "month", "UTC"))


def _metric(aggregation: str = "sum") -> Metric:
    return parse(Metric, {"name": "calls", "aggregation": aggregation}, code="calls")


def _charge(price: str, code: str = "calls", **fields: Any) -> Charge:
    common = {
        "name": "calls",
        "metric": "calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": {"type": "per_unit", "unit_amount": price},
    }
    return parse(Charge, common | fields, code=code)


def _customer(id_: str = "42", currency: str = "USD", rated_until: datetime | None = None) -> BilledSubscription:
    return BilledSubscription(PricedSubscription(id_, "Pro", currency, "UTC", 42, {}), CALENDAR, rated_until)


def _book(*charges: Charge, metric: Metric | None = None) -> PriceBook:
    return PriceBook([metric or _metric()], [[charge] for charge in charges])


def _read(subscription: str, metric: str, start: datetime, end: datetime) -> Sequence[Record]:
    return [Record(str(n), NOVEMBER, NOVEMBER, Decimal(quantity)) for n, quantity in enumerate((7, 3))]


def _shown(figures: FiguresJson | None) -> FiguresJson:
    assert figures is not None
    return figures


def _preview(
    before: PriceBook,
    after: PriceBook,
    *customers: BilledSubscription,
    time_left: Callable[[], bool] = lambda: True,
    charges: Sequence[str] = ("calls",),
) -> PreviewJson:
    pairs = ((Side(before, customer), Side(after, customer)) for customer in customers)
    return preview(pairs, charges, _read, time_left).as_json()


def test_a_price_is_shown_before_and_after_per_subscription_and_in_total() -> None:
    found = _preview(_book(_charge("1")), _book(_charge("2")), _customer("42"), _customer("43"))
    assert [
        (each["subscription"], _shown(each["before"])["amount"], _shown(each["after"])["amount"])
        for each in found["subscriptions"]
    ] == [("42", "10.00", "20.00"), ("43", "10.00", "20.00")]
    assert found["totals"] == [{"currency": "USD", "before": "20.00", "after": "40.00", "difference": "20.00"}]
    assert (found["evaluated"], found["changed_subscriptions"], found["truncated"]) == (2, 2, False)


def test_a_changed_charge_is_shown_as_the_api_has_it() -> None:
    figures = {
        "period_start": "2026-11-01T00:00:00Z",
        "period_end": "2026-12-01T00:00:00Z",
        "units": "10",
        "currency": "USD",
    }
    assert _preview(_book(_charge("1")), _book(_charge("2.5")), _customer()) == {
        "subscriptions": [
            {
                "subscription": "42",
                "charge": "calls",
                "before": {**figures, "amount": "10.00"},
                "after": {**figures, "amount": "25.00"},
            }
        ],
        "totals": [{"currency": "USD", "before": "10.00", "after": "25.00", "difference": "15.00"}],
        "evaluated": 1,
        "changed_subscriptions": 1,
        "truncated": False,
    }


def test_what_can_not_be_priced_is_shown_at_zero_with_its_error() -> None:
    found = _preview(_book(_charge("1")), _book(_charge("1", currency="EUR")), _customer())
    after = _shown(found["subscriptions"][0]["after"])
    assert "is in EUR" in after["error"]
    assert {name: value for name, value in after.items() if name != "error"} == {
        "period_start": "2026-11-01T00:00:00Z",
        "period_end": "2026-12-01T00:00:00Z",
        "units": "0",
        "amount": "0.00",
        "currency": "USD",
    }
    assert found["totals"] == [{"currency": "USD", "before": "10.00", "after": "0.00", "difference": "-10.00"}]
    assert not found["truncated"]


@pytest.mark.parametrize(
    ("price", "rated_until", "reads"),
    [
        ("1", None, [("42", "calls", NOVEMBER, DECEMBER)]),  # priced alike: rated once
        ("2", None, [("42", "calls", NOVEMBER, DECEMBER)] * 2),
        ("2", NOVEMBER_20, [("42", "calls", NOVEMBER, NOVEMBER_20)] * 2),
    ],
)
def test_the_records_of_the_rated_part_of_the_open_period_are_read(
    price: str, rated_until: datetime | None, reads: list[tuple[str, str, datetime, datetime]]
) -> None:
    asked: list[tuple[str, str, datetime, datetime]] = []

    def read(*arguments: Any) -> Sequence[Record]:
        asked.append(arguments)
        return []

    customer = _customer(rated_until=rated_until)
    sides = Side(_book(_charge("1")), customer), Side(_book(_charge(price)), customer)
    preview([sides], ["calls"], read, lambda: True)
    assert asked == reads


def test_records_of_a_level_are_read_as_far_back_as_windows_reach() -> None:
    metric = _metric("time_weighted")
    starts: list[datetime] = []

    def read(_subscription: str, _metric: str, start: datetime, _end: datetime) -> Sequence[Record]:
        starts.append(start)
        return []

    side = Side(_book(_charge("1"), metric=metric), _customer())
    preview([(side, side)], ["calls"], read, lambda: True)
    assert starts == [metric.records_from(NOVEMBER)]
    assert starts[0] < NOVEMBER


def test_a_subscription_that_changes_is_rated_on_each_side() -> None:
    book = _book(_charge("30", model={"type": "flat", "amount": "30"}, prorate=True))
    sides = Side(book, _customer()), Side(book, _customer(rated_until=datetime(2026, 11, 16, tzinfo=UTC)))
    found = preview([sides], ["calls"], _read, lambda: True).as_json()["subscriptions"]
    assert [(_shown(each["before"])["amount"], _shown(each["after"])["amount"]) for each in found] == [
        ("30.00", "15.00")
    ]


@pytest.mark.parametrize(
    ("before", "after", "amounts"),
    [(True, False, ("10.00", None)), (False, True, (None, "10.00"))],
)
def test_a_subscription_may_exist_on_one_side_alone(
    before: bool, after: bool, amounts: tuple[str | None, str | None]
) -> None:
    book = _book(_charge("1"))
    sides = Side(book, _customer() if before else None), Side(book, _customer() if after else None)
    (found,) = preview([sides], ["calls"], _read, lambda: True).comparisons
    assert (found.subscription, found.charge) == ("42", "calls")
    sides_json = found.as_json()["before"], found.as_json()["after"]
    assert tuple(side and side["amount"] for side in sides_json) == amounts


def test_a_charge_that_applies_on_neither_side_does_not_keep_the_others_from_being_compared() -> None:
    found = _preview(_book(_charge("1")), _book(_charge("2")), _customer(), charges=("gone", "calls"))
    assert [each["charge"] for each in found["subscriptions"]] == ["calls"]
    nothing = _preview(_book(_charge("1")), _book(_charge("2")), _customer(), charges=("gone",))
    assert (nothing["evaluated"], nothing["totals"]) == (0, [])


def test_units_that_change_are_shown_though_the_amount_does_not() -> None:
    found = _preview(
        _book(_charge("0"), metric=_metric("sum")), _book(_charge("0"), metric=_metric("max")), _customer()
    )
    assert [(_shown(each["before"])["units"], _shown(each["after"])["units"]) for each in found["subscriptions"]] == [
        ("10", "7")
    ]


def test_what_stays_is_counted_and_not_listed() -> None:
    found = _preview(_book(_charge("1")), _book(_charge("1", name="Other")), _customer())
    assert (found["subscriptions"], found["evaluated"]) == ([], 1)
    assert found["totals"][0]["difference"] == "0.00"


def test_a_charge_that_begins_or_ends_is_null_on_one_side() -> None:
    begins = _preview(_book(), _book(_charge("1")), _customer())["subscriptions"][0]
    assert (begins["before"], _shown(begins["after"])["amount"]) == (None, "10.00")
    ends = _preview(_book(_charge("1")), _book(_charge("1", active=False)), _customer())["subscriptions"][0]
    assert (_shown(ends["before"])["amount"], ends["after"]) == ("10.00", None)


def test_totals_are_by_currency() -> None:
    euros, dollars = _charge("1", "euros", currency="EUR"), _charge("1", "dollars")
    dearer = _charge("3", "dollars")
    customers = (_customer("42"), _customer("43", "EUR"))
    found = _preview(_book(euros, dollars), _book(euros, dearer), *customers, charges=("dollars", "euros"))
    assert {each["currency"]: each["difference"] for each in found["totals"]} == {
        "EUR": "0.00",
        "USD": "20.00",
    }


def test_a_charge_in_another_currency_says_so() -> None:
    found = _preview(_book(_charge("1")), _book(_charge("1", currency="EUR")), _customer())
    assert "is in EUR" in _shown(found["subscriptions"][0]["after"])["error"]


def test_who_is_not_rated_any_more_is_not_evaluated() -> None:
    gone = _customer(rated_until=datetime(2026, 10, 1, tzinfo=UTC))
    assert _preview(_book(_charge("1")), _book(_charge("2")), gone)["evaluated"] == 0


def test_it_ends_when_there_is_no_time_left_and_says_so() -> None:
    times: Iterator[bool] = iter([True, True, False])
    customers = [_customer(str(n)) for n in range(5)]
    found = _preview(_book(_charge("1")), _book(_charge("2")), *customers, time_left=lambda: next(times))
    assert (found["evaluated"], found["truncated"]) == (2, True)


def test_a_list_is_bounded_and_its_totals_are_of_all() -> None:
    customers = [_customer(str(n)) for n in range(MOST_LISTED + 1)]
    found = _preview(_book(_charge("1")), _book(_charge("2")), *customers)
    assert (len(found["subscriptions"]), found["truncated"]) == (MOST_LISTED, True)
    assert found["changed_subscriptions"] == MOST_LISTED + 1
    assert found["totals"][0]["difference"] == f"{10 * (MOST_LISTED + 1)}.00"


def test_too_many_records_are_said_to_be() -> None:
    def read(*_: object) -> Sequence[Record]:
        raise TooManyRecords("has more than 2 records")

    sides = (Side(_book(_charge("1")), _customer()), Side(_book(_charge("2")), _customer()))
    found = preview([sides], ["calls"], read, lambda: True).as_json()
    assert (found["evaluated"], found["truncated"]) == (1, True)
    [shown] = found["subscriptions"]
    assert {_shown(shown["before"])["error"], _shown(shown["after"])["error"]} == {"has more than 2 records"}
    assert (found["changed_subscriptions"], found["totals"][0]["after"]) == (1, "0.00")


@pytest.mark.parametrize("skipped", ["before", "after"])
def test_a_preview_is_truncated_if_either_side_was_not_evaluated(skipped: str) -> None:
    figures = Figures(NOVEMBER, DECEMBER, "USD")
    sides = {"before": figures, "after": figures, skipped: replace(figures, error="too many", is_skipped=True)}
    comparison = Comparison("42", "calls", sides["before"], sides["after"])
    assert comparison.is_skipped
    assert Preview([comparison], 1, truncated=False).as_json()["truncated"]
    assert not Comparison("42", "calls", None, figures).is_skipped


@pytest.mark.parametrize(("number", "is_truncated"), [(MOST_LISTED, False), (MOST_LISTED + 1, True)])
def test_a_preview_is_truncated_past_the_most_it_lists(number: int, is_truncated: bool) -> None:
    changed = Comparison("42", "calls", None, Figures(NOVEMBER, DECEMBER, "USD"))
    shown = Preview([changed] * number, number, truncated=False).as_json()
    assert shown["truncated"] is is_truncated
    assert len(shown["subscriptions"]) == MOST_LISTED


def test_a_preview_of_all_there_is_is_not_truncated() -> None:
    side = Side(_book(_charge("1")), _customer())
    assert preview([(side, side)], ["calls"], _read, lambda: True).truncated is False
