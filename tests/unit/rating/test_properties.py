"""What holds of every rating, whatever the price and the usage."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.decimals import plain
from fusion_billing.rating import estimate
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

amounts = st.decimals(0, 10**6, places=4, allow_nan=False).map(plain)
long_amounts = st.decimals(0, Decimal("9" * 19), places=19, allow_nan=False).map(plain)
quantities = st.one_of(amounts, st.integers(0, 200).map(str))


@st.composite
def tiers(draw: st.DrawFn, price: str = "unit_amount") -> list[dict[str, Any]]:
    bounds = sorted(draw(st.sets(st.integers(1, 300), max_size=4)))
    ups = [*map(str, bounds), None]
    return [{"up_to": up, price: draw(amounts), "flat_amount": draw(amounts)} for up in ups]


def of(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


positive = st.integers(1, 500).map(str)
monotone = st.one_of(
    of("per_unit", unit_amount=amounts),
    of("graduated", tiers=tiers()),
    of("graduated_percentage", tiers=tiers("rate_percent")),
    of("package", package_size=positive, package_amount=amounts, rounding=st.sampled_from(["up", "down"])),
    of("flat", amount=amounts),
    of("percentage", rate_percent=amounts, fixed_amount=amounts),
)
models = st.one_of(
    monotone,
    of("volume", tiers=tiers()),
    of(
        "percentage",
        rate_percent=amounts,
        fixed_amount=amounts,
        free_records=st.integers(0, 5),
        free_amount=amounts,
        record_minimum=st.just("0.5"),
        record_maximum=st.just("900"),
    ),
)


@st.composite
def charges(draw: st.DrawFn, of_models: st.SearchStrategy[dict[str, Any]] = models) -> dict[str, Any]:
    low, high = sorted(draw(st.tuples(st.integers(0, 999), st.integers(0, 999999))))
    optional = {
        "included_units": quantities,
        "minimum_amount": st.just(str(low)),
        "maximum_amount": st.just(str(high)),
        "unit_conversion": st.fixed_dictionaries(
            {
                "operation": st.sampled_from(["multiply", "divide"]),
                "factor": positive,
                "rounding": st.sampled_from(["none", "up", "down", "half_up"]),
            }
        ),
        "group_by": st.just(["region"]),
        "filters": st.lists(
            st.fixed_dictionaries({"properties": st.just({"region": ["eu"]}), "model": of_models}), max_size=1
        ),
    }
    return draw(
        st.fixed_dictionaries(
            {"currency": st.sampled_from(["USD", "JPY", "KWD", "CLF"]), "model": of_models}, optional=optional
        )
    )


records = st.lists(
    st.fixed_dictionaries(
        {
            "quantity": quantities,
            "properties": st.fixed_dictionaries({"region": st.sampled_from(["eu", "us", ""])}),
            "member": st.sampled_from(["ann", "bob", "cy"]),
        }
    ),
    max_size=8,
)
aggregations = st.sampled_from(["sum", "count", "max", "min", "last", "average", "unique_count", "time_weighted"])


def exact(text: str) -> Fraction:
    return Fraction(Decimal(text))


def is_read_alike(number: Fraction, text: str) -> bool:
    """Whether they differ at most in the digits that numbers that do not end lose when they are read."""
    return abs(number - exact(text)) < Fraction(1, 10**28)


@given(charges(), aggregations, records)
def test_the_steps_add_up_to_the_unrounded_amount(
    charge: dict[str, Any], aggregation: str, given_records: list[dict[str, Any]]
) -> None:
    answer = estimate(charge, metric={"aggregation": aggregation}, records=given_records)
    total = sum([exact(step["amount"]) for step in answer["steps"]], Fraction(0))
    assert is_read_alike(total, answer["unrounded_amount"])
    assert all(
        is_read_alike(exact(step["units"]) * exact(step["unit_amount"]), step["amount"]) for step in answer["steps"]
    )
    assert abs(exact(answer["amount"]) - exact(answer["unrounded_amount"])) <= Fraction(1, 2)


@given(charges(monotone), quantities, quantities)
def test_more_units_never_cost_less(charge: dict[str, Any], one: str, other: str) -> None:
    less, more = sorted([one, other], key=Decimal)
    assert exact(estimate(charge, units=less)["amount"]) <= exact(estimate(charge, units=more)["amount"])


@given(tiers(), st.fractions(0, 1, max_denominator=1000))
def test_graduated_and_volume_agree_in_the_first_tier(rows: list[dict[str, Any]], share: Fraction) -> None:
    first = Fraction(rows[0]["up_to"] or "1000") * share
    units = plain(Decimal(first.numerator * 1000 // first.denominator) / 1000)
    graduated, volume = (
        estimate({"currency": "USD", "model": {"type": kind, "tiers": rows}}, units=units)
        for kind in ("graduated", "volume")
    )
    assert (graduated["amount"], graduated["unrounded_amount"]) == (
        volume["amount"],
        volume["unrounded_amount"],
    )


@given(charges(), aggregations, records, st.randoms(use_true_random=False))
def test_the_order_in_which_records_arrive_changes_nothing(
    charge: dict[str, Any], aggregation: str, given_records: list[dict[str, Any]], random: Any
) -> None:
    timed = [
        record | {"period_start": f"2026-11-{day:02d}T00:00:00Z", "period_end": f"2026-11-{day + 1:02d}T00:00:00Z"}
        for day, record in enumerate(given_records, start=1)
    ]
    shuffled = random.sample(timed, len(timed))
    metric = {"aggregation": aggregation}
    assert estimate(charge, metric=metric, records=timed) == estimate(charge, metric=metric, records=shuffled)


additive = st.one_of(of("volume", tiers=tiers()), of("graduated", tiers=tiers()), of("per_unit", unit_amount=amounts))


@given(additive, st.lists(amounts, min_size=1, max_size=6))
def test_splitting_what_is_added_up_changes_nothing(model: dict[str, Any], parts: list[str]) -> None:
    charge = {"currency": "USD", "model": model}
    whole = plain(sum(map(Decimal, parts), Decimal(0)))
    split = estimate(charge, records=[{"quantity": part} for part in parts])
    one = estimate(charge, units=whole)
    assert (split["units"], split["amount"], split["unrounded_amount"]) == (
        one["units"],
        one["amount"],
        one["unrounded_amount"],
    )


@given(charges(), st.lists(quantities, min_size=1, max_size=6))
def test_differences_over_any_corrections_add_up_to_the_last_rating(
    charge: dict[str, Any], corrections: list[str]
) -> None:
    billed = exact(estimate(charge, units=corrections[0])["amount"])
    for before, now in pairwise(corrections):
        billed += exact(estimate(charge, units=now, previous_units=before)["amount"])
    assert billed == exact(estimate(charge, units=corrections[-1])["amount"])


@given(long_amounts, long_amounts, long_amounts)
def test_thirty_eight_digits_stay_exact(units: str, price: str, flat: str) -> None:
    rows = [{"up_to": None, "unit_amount": price, "flat_amount": flat}]
    answer = estimate({"currency": "USD", "model": {"type": "graduated", "tiers": rows}}, units=units)
    assert exact(answer["unrounded_amount"]) == exact(units) * exact(price) + exact(flat)


@given(records)
def test_the_callers_decimal_context_changes_nothing(given_records: list[dict[str, Any]]) -> None:
    charge = {
        "currency": "USD",
        "model": {"type": "per_unit", "unit_amount": "0.123456789"},
        "unit_conversion": {"operation": "divide", "factor": "7"},
    }
    usual = estimate(charge, records=given_records)
    with localcontext(prec=3):
        assert estimate(charge, records=given_records) == usual


cumulative = st.one_of(of("graduated", tiers=tiers()), of("per_unit", unit_amount=amounts))


@settings(max_examples=50)
@given(first=cumulative, second=cumulative, dated=st.lists(st.tuples(quantities, st.integers(0, 29)), max_size=8))
def test_parts_at_their_own_price_are_differences_of_whole_prices(
    *,
    first: dict[str, Any],
    second: dict[str, Any],
    dated: list[tuple[str, int]],
    charge: Callable[..., Charge],
    metric: Callable[..., Metric],
    record: Callable[..., Record],
    november: Callable[..., RatingResult],
) -> None:
    change = 10
    recorded = [record(quantity, day=day, key=str(index)) for index, (quantity, day) in enumerate(dated)]
    early = plain(
        sum((one.quantity for one, (_, day) in zip(recorded, dated, strict=True) if day < change), Decimal(0))
    )
    late = plain(sum((one.quantity for one in recorded), Decimal(0)))
    versions = [charge(first), charge(second, valid_from="2026-11-11T00:00:00Z")]
    whole = november(versions, metric(), recorded)

    def price(model: dict[str, Any], units: str) -> Fraction:
        return exact(estimate({"currency": "USD", "model": model}, units=units)["unrounded_amount"])

    expected = price(first, early) + price(second, late) - price(second, early)
    assert Fraction(whole.unrounded_amount) == expected
