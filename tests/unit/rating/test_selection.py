"""Filters and group-by."""

import time
from typing import Any

from fusion_billing.rating import estimate


def per_unit(amount: str) -> dict[str, str]:
    return {"type": "per_unit", "unit_amount": amount}


def record(quantity: str, **properties: str) -> dict[str, Any]:
    return {"quantity": quantity, "properties": properties}


TIERS = {
    "type": "graduated",
    "tiers": [{"up_to": "5", "unit_amount": "2", "flat_amount": "10"}, {"up_to": None, "unit_amount": "1"}],
}


def test_what_no_filter_takes_is_priced_by_the_charge_itself() -> None:
    charge = {
        "currency": "USD",
        "model": per_unit("0.12"),
        "filters": [
            {"properties": {"cloud": ["aws"]}, "model": per_unit("0.08")},
            {"properties": {"cloud": ["gcp", "oci"]}, "model": per_unit("0.10")},
        ],
    }
    records = [
        record("100", cloud="aws"),
        record("200", cloud="gcp"),
        record("50", cloud="oci"),
        {"quantity": "1"},
    ]
    answer = estimate(charge, records=[*records, record("1", cloud="azure")])
    assert answer["amount"] == "33.24"
    assert answer["units"] == "352"
    assert [step["description"].partition(":")[0] for step in answer["steps"] if step["amount"] != "0"] == [
        "cloud aws",
        "cloud gcp or oci",
        "all else",
    ]


def test_a_record_goes_to_the_filter_that_names_most_of_its_properties() -> None:
    charge = {
        "currency": "USD",
        "model": per_unit("1"),
        "filters": [
            {"properties": {"region": ["eu"]}, "model": per_unit("2")},
            {"properties": {"region": ["eu"], "size": ["xl"]}, "model": per_unit("5")},
            {"properties": {"size": ["xl"]}, "model": per_unit("3")},
        ],
    }
    for properties, amount in [
        ({"region": "eu", "size": "xl"}, "5.00"),
        ({"region": "eu", "size": "s"}, "2.00"),
        ({"region": "us", "size": "xl"}, "3.00"),
        ({"region": "us", "size": "s"}, "1.00"),
    ]:
        assert estimate(charge, records=[record("1", **properties)])["amount"] == amount


def test_each_filter_has_included_units_of_its_own() -> None:
    eu = {"properties": {"region": ["eu"]}, "model": per_unit("2"), "included_units": "10"}
    charge = {"currency": "USD", "model": per_unit("1"), "included_units": "100", "filters": [eu]}
    answer = estimate(charge, records=[record("15", region="eu"), record("90", region="us")])
    assert (answer["units"], answer["billable_units"], answer["amount"]) == ("105", "5", "10.00")


def test_a_filters_flat_amount_is_due_where_no_record_reached_it() -> None:
    eu = {"properties": {"region": ["eu"]}, "model": TIERS}
    charge = {"currency": "USD", "model": per_unit("1"), "filters": [eu]}
    assert estimate(charge, records=[record("3", region="us")])["amount"] == "13.00"


def test_each_group_has_tiers_of_its_own() -> None:
    charge = {"currency": "USD", "model": TIERS, "group_by": ["region"]}
    records = [record("4", region="eu"), record("4", region="us"), record("4", region="eu")]
    answer = estimate(charge, records=records)
    assert answer["unrounded_amount"] == "41"  # (5 x 2 + 10 + 3 x 1) + (4 x 2 + 10)
    assert answer["steps"][-1]["description"] == "region us: Tier 1 (up to 5): flat amount"


def test_records_without_the_property_are_a_group() -> None:
    charge = {"currency": "USD", "model": {"type": "flat", "amount": "1"}, "group_by": ["region", "size"]}
    records = [record("4", region="eu"), record("4"), record("4", region="eu", size="s")]
    assert estimate(charge, records=records)["amount"] == "3.00"


def test_with_no_records_the_one_price_is_due_once() -> None:
    charge = {"currency": "USD", "model": {"type": "flat", "amount": "7"}, "group_by": ["region"]}
    assert estimate(charge, records=[])["amount"] == "7.00"


def test_groups_form_within_each_filter() -> None:
    eu = {"properties": {"region": ["eu"]}, "model": {"type": "flat", "amount": "5"}}
    charge = {
        "currency": "USD",
        "model": {"type": "flat", "amount": "1"},
        "filters": [eu],
        "group_by": ["size"],
    }
    sizes = [record("1", region="eu", size=size) for size in ("s", "m", "s")]
    assert estimate(charge, records=[*sizes, record("1", region="us", size="s")])["amount"] == "11.00"


def labels(*records: dict[str, Any]) -> list[str]:
    charge = {"currency": "USD", "model": {"type": "flat", "amount": "1"}, "group_by": ["region"]}
    steps = estimate(charge, records=list(records))["steps"]
    return [step["description"].removesuffix(": Flat amount for the period") for step in steps]


def test_a_missing_property_no_text_and_the_text_none_are_three_groups() -> None:
    found = labels(record("1"), {"quantity": "1"}, record("1", region=""), record("1", region="(none)"))
    named = [label for label in found if ": " not in label]
    assert named == ["region (none)", 'region ""', 'region "(none)"']


def test_every_value_has_a_label_of_its_own() -> None:
    values = [
        "",
        " ",
        "a",
        "a b",
        "(none)",
        '""',
        '"',
        "a, region b",
        "a\u202eb",
        "\n",
        "eu-1.x_2",
        "\\",
        "\\u202e",
    ]
    found = labels({"quantity": "1"}, *[record("1", region=value) for value in values])
    named = {label for label in found if label.startswith("region")}
    assert len({label for label in named if "Flat" not in label and "record" not in label}) == len(values) + 1
    assert all(label.isprintable() for label in named)


def test_ten_thousand_groups_are_rated_in_linear_time() -> None:
    def rated(count: int) -> float:
        charge = {"currency": "USD", "model": per_unit("0.2"), "group_by": ["user"]}
        records = [record("1", user=f"{index}") for index in range(count)]
        began = time.process_time()
        answer = estimate(charge, records=records)
        spent = time.process_time() - began
        assert answer["amount"] == f"{count // 5}.00"
        assert len([step for step in answer["steps"] if step["amount"] != "0"]) == count
        return spent

    few, many = min(rated(1_000) for _ in range(3)), min(rated(10_000) for _ in range(2))
    assert many < 40 * few
