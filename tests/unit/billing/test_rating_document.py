"""Rating documents: what every release stored is read, and written again byte for byte."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.billing.document_fields import UnreadableDocument
from fusion_billing.billing.large_documents import canonical, split
from fusion_billing.billing.period_document import period_document
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.priced_subscription import PricedSubscription
from fusion_billing.billing.pricing import metric_of, pricing_of
from fusion_billing.billing.rating import RatingKey, StoredRating, computed_rating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing.step_text import StepText
from fusion_billing.billing.stored_price import StoredPrice
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import Refused
from fusion_billing.rating.records import Record
from tests.rating_documents import CHARGE, document, document_json

STORED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data/rating_documents.json").read_text())
OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))
CORRECTS = {
    "period_start": "2026-10-01T00:00:00Z",
    "period_end": "2026-11-01T00:00:00Z",
    "amount": "4.20",
    "invoiced_amount": "5.00",
    "steps": [{"description": "Flat amount", "units": "1", "unit_amount": "4.2", "amount": "4.2"}],
}
NOTE = "The charge no longer applies"


@pytest.mark.parametrize("name", STORED)
def test_what_any_release_stored_is_written_again_byte_for_byte(name: str) -> None:
    stored = STORED[name]
    assert canonical(RatingDocument.from_json(stored).to_json()) == canonical(stored)


def test_the_stored_shapes_hold_every_field() -> None:
    written = {field for stored in STORED.values() for field in stored}
    optional = {"rules", "names", "price_spans", "tax_behavior", "analytic_distribution", "corrects"}
    flags = {"final_invoice", "is_charged", "is_rated"}
    assert written == {*document_json(), *optional, *flags, "a_field_of_a_later_release"}


# --- any document ----------------------------------------------------------------------------------

texts = st.text(max_size=12)
figures = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda number: format(number, "f"))
instants = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda instant: instant.isoformat().replace("+00:00", "Z")
)
steps = st.lists(
    st.fixed_dictionaries({"description": texts, "units": figures, "unit_amount": figures, "amount": figures}),
    max_size=3,
)
objects = st.dictionaries(texts, st.one_of(texts, st.integers(), st.none()), max_size=3)
bounds: dict[str, Any] = {"period_start": instants, "period_end": instants}
corrections = st.fixed_dictionaries({**bounds, "amount": figures, "invoiced_amount": figures, "steps": steps})
documents = st.fixed_dictionaries(
    {
        **dict.fromkeys(("charge", "charge_name", "metric", "unit", "plan", "timezone", "currency"), texts),
        **dict.fromkeys(("odoo_order_id", "odoo_product_id"), st.integers()),
        **dict.fromkeys(("units", "included_units", "overage_units", "billable_units"), figures),
        **dict.fromkeys(("amount", "unrounded_amount"), figures),
        **bounds,
        "steps": steps,
    },
    optional={
        "price_versions": st.lists(st.none() | texts, max_size=2),
        "priced_by": st.lists(objects, max_size=2),
        "metric_definition": objects,
        "price_spans": st.lists(objects, max_size=2),
        "rules": st.integers(1, 9),
        "names": st.dictionaries(texts, texts, min_size=1, max_size=2),
        "tax_behavior": st.sampled_from(["inclusive", "exclusive"]),
        "analytic_distribution": st.dictionaries(texts, figures, max_size=2),
        "corrects": corrections,
        "final_invoice": st.just(True),
        "is_charged": st.booleans(),
        "is_rated": st.booleans(),
        "of_a_later_release": objects,
    },
)


@given(documents)
def test_every_document_is_written_again_byte_for_byte(stored: dict[str, Any]) -> None:
    assert canonical(RatingDocument.from_json(stored).to_json()) == canonical(stored)


@given(documents)
def test_a_stored_rating_holds_the_document_that_was_computed(stored: dict[str, Any]) -> None:
    computed = computed_rating(RatingKey("42", NOVEMBER, "calls"), RatingDocument.from_json(stored))
    rating = StoredRating(computed.key, 1, computed.amount, computed.digest, computed.document_json)
    assert rating.document == computed.document
    assert rating.document_json == canonical(stored)


# --- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(document_json().keys() - {"price_versions", "priced_by", "metric_definition"}))
def test_a_missing_field_is_named(name: str) -> None:
    stored = document_json()
    del stored[name]
    with pytest.raises(UnreadableDocument, match=f"^{name}: ") as refused:
        RatingDocument.from_json(stored)
    assert refused.value.code == "rating_unreadable"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"charge": 5}, "charge: must be a string"),
        ({"amount": 1.5}, "amount: must be a string"),
        ({"odoo_order_id": "42"}, "odoo_order_id: must be an Odoo record ID"),
        ({"odoo_product_id": True}, "odoo_product_id: must be an Odoo record ID"),
        ({"period_start": "2026-11-01T00:00:00"}, "period_start"),
        ({"period_end": "soon"}, "period_end"),
        ({"steps": ["a step"]}, "steps: must be a list of steps"),
        ({"steps": [{"description": "half a step", "units": "1"}]}, "steps: must be a list of steps"),
        ({"steps": 1}, "steps: must be a list of steps"),
        ({"price_versions": {}}, "price_versions: must be a list"),
        ({"priced_by": "x"}, "priced_by: must be a list"),
        ({"metric_definition": []}, "metric_definition: must be an object"),
        ({"names": []}, "names: must be an object"),
        ({"analytic_distribution": "7"}, "analytic_distribution: must be an object"),
        ({"corrects": "2026-10-01"}, "corrects: must be an object"),
        ({"corrects": {**CORRECTS, "period_start": None}}, "corrects.period_start"),
        ({"corrects": {**CORRECTS, "period_end": None}}, "corrects.period_end"),
        ({"corrects": {**CORRECTS, "amount": None}}, "amount: is missing"),
        ({"corrects": {**CORRECTS, "invoiced_amount": 5}}, "invoiced_amount: must be a string"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        RatingDocument.from_json(document_json(**changes))
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize("stored", [None, "x", [], 1])
def test_what_is_no_object_is_no_document(stored: object) -> None:
    with pytest.raises(UnreadableDocument, match=r"^the document must be a JSON object$"):
        RatingDocument.from_json(stored)


def test_figures_are_read_as_they_were_written() -> None:
    read = document(amount="1.00", corrects=CORRECTS, final_invoice=True)
    assert (read.units, read.included_units, read.overage_units, read.billable_units) == ("1250", "1000", "250", "250")
    assert (read.amount, read.unrounded_amount, read.currency) == ("1.00", "1", "USD")
    assert (read.period_start, read.period_end) == (NOVEMBER, DECEMBER)
    assert read.steps[1] == StepText("250 units at 0.004 each", "250", "0.004", "1")
    assert read.corrects is not None
    assert (read.corrects.period_start, read.corrects.period_end) == (OCTOBER, NOVEMBER)
    assert (read.corrects.amount, read.corrects.invoiced_amount) == ("4.20", "5.00")
    assert read.needs_final_invoice


def test_an_adjustment_rates_the_period_that_it_corrects() -> None:
    own, adjustment = document(), document(corrects=CORRECTS)
    assert (own.rated_amount, own.rated_steps) == ("1.00", own.steps)
    assert adjustment.corrects is not None
    assert (adjustment.rated_amount, adjustment.rated_steps) == ("4.20", adjustment.corrects.steps)


# --- the price -------------------------------------------------------------------------------------


def test_the_price_is_of_the_period_that_was_rated() -> None:
    assert (document().price.period_start, document().price.period_end) == (NOVEMBER, DECEMBER)
    corrected = document(corrects=CORRECTS).price
    assert (corrected.period_start, corrected.period_end) == (OCTOBER, NOVEMBER)
    assert corrected.metric_code == "api_calls"
    assert metric_of(corrected).unit == "call"
    assert pricing_of(corrected).charge.code == "api_calls"


def test_price_spans_are_part_of_the_price() -> None:
    spans = [
        {"start": "2026-11-01T00:00:00Z", "end": "2026-11-16T00:00:00Z", "version": 0},
        {"start": "2026-11-16T00:00:00Z", "end": "2026-12-01T00:00:00Z", "version": None},
    ]
    price = document(price_spans=spans).price
    assert price.to_json() == {
        "period_start": "2026-11-01T00:00:00Z",
        "period_end": "2026-12-01T00:00:00Z",
        "priced_by": [CHARGE],
        "metric_definition": document().metric_definition,
        "price_spans": spans,
    }
    assert StoredPrice.from_json(price.to_json()) == price
    assert [span.charge is None for span in pricing_of(price).spans] == [False, True]


def test_a_stored_price_is_read_field_by_field() -> None:
    stored = {
        "period_start": "2026-11-01T00:00:00Z",
        "period_end": "2026-12-01T00:00:00Z",
        "priced_by": [CHARGE],
        "metric_definition": {"code": "api_calls"},
    }
    read = StoredPrice.from_json(stored)
    assert (read.period_start, read.period_end) == (NOVEMBER, DECEMBER)
    assert read.definitions == {"priced_by": [CHARGE], "metric_definition": {"code": "api_calls"}}
    assert (read.metric_code, read.to_json()) == ("api_calls", stored)
    for bound in ("period_start", "period_end"):
        with pytest.raises(Refused) as refused:
            StoredPrice.from_json({**stored, bound: "soon"})
        assert refused.value.faults[0].field == bound


@pytest.mark.parametrize("field", ["priced_by", "metric_definition"])
def test_a_price_that_is_stored_apart_is_no_price(field: str) -> None:
    with pytest.raises(ValueError, match=r"^the document's price is stored apart$"):
        _ = document(**{field: None}).price


def test_a_large_price_is_whole_with_the_large_fields() -> None:
    whole = document(priced_by=[{**CHARGE, "name": "x" * 40_000}])
    computed = computed_rating(RatingKey("42", NOVEMBER, "calls"), whole)
    rating = StoredRating(computed.key, 1, computed.amount, computed.digest, computed.document_json)
    _, large = split(whole.to_json())
    assert rating.document.priced_by is None
    assert rating.document_with(large) == whole


# --- changes ---------------------------------------------------------------------------------------


def test_a_charge_that_no_longer_applies_comes_to_zero_for_good_and_keeps_its_price() -> None:
    ended = document(currency="JPY").without_charge()
    assert (ended.units, ended.included_units, ended.overage_units, ended.billable_units) == ("0", "0", "0", "0")
    assert (ended.amount, ended.unrounded_amount) == ("0", "0")
    assert ended.steps == (StepText(NOTE, "0", "0", "0"),)
    assert ended.price == document(currency="JPY").price
    assert (ended.is_charged, ended.is_up_to_date) == (False, False)
    assert ended.to_json()["is_charged"] is False
    assert "is_rated" not in ended.to_json()


def test_a_period_in_which_nothing_is_rated_comes_to_zero_for_now() -> None:
    paused = document().not_rated("The subscription does not run in this period")
    assert (paused.amount, paused.steps[0].description) == ("0.00", "The subscription does not run in this period")
    assert (paused.is_charged, paused.is_up_to_date) == (True, False)
    assert paused.to_json()["is_rated"] is False
    assert "is_charged" not in paused.to_json()


@pytest.mark.parametrize(
    ("changes", "is_charged"),
    [
        ({}, True),
        ({"steps": [{"description": NOTE, "units": "0", "unit_amount": "0", "amount": "0"}]}, False),
        ({"steps": [{"description": NOTE, "units": "0", "unit_amount": "0", "amount": "0"}] * 2}, True),
        ({"steps": [{"description": "Flat", "units": "0", "unit_amount": "0", "amount": "0"}]}, True),
        ({"steps": []}, True),
        ({"is_charged": False}, False),
        (
            {
                "is_charged": True,
                "steps": [{"description": NOTE, "units": "0", "unit_amount": "0", "amount": "0"}],
            },
            True,
        ),
    ],
)
def test_documents_of_earlier_releases_say_by_their_one_step_that_the_charge_ended(
    changes: dict[str, Any], is_charged: bool
) -> None:
    assert document(**changes).is_charged is is_charged
    assert document(**changes).is_up_to_date is is_charged


def test_the_order_that_invoices_it_may_change_and_a_final_invoice_stays_needed() -> None:
    assert document().billed_by(77, needs_final_invoice=False) == document(odoo_order_id=77)
    ended = document().billed_by(42, needs_final_invoice=True)
    assert ended == document(final_invoice=True)
    assert ended.billed_by(42, needs_final_invoice=False).needs_final_invoice


# --- writing ---------------------------------------------------------------------------------------

WHO = PricedSubscription("42", "Pro", "USD", "Europe/Vienna", 4711, {})


def _written(**changes: Any) -> dict[str, Any]:
    charge = parse(Charge, {**CHARGE, **changes}, code="api_calls")
    metric = parse(Metric, {"name": "API calls", "unit": "call", "aggregation": "sum"}, code="api_calls")
    price = PriceBook([metric], [[charge]]).pricing("api_calls", WHO, NOVEMBER, DECEMBER)
    assert price is not None
    result = price.rate([Record("1", NOVEMBER, DECEMBER, Decimal(1250))], WHO, NOVEMBER, DECEMBER)
    return period_document(price, WHO, NOVEMBER, DECEMBER, result).to_json()


def test_a_period_s_own_rating_is_written_with_all_that_led_to_it() -> None:
    written = _written()
    expected = document_json(rules=2, timezone="Europe/Vienna", odoo_order_id=4711)
    stored_charge, stored_metric = written.pop("priced_by"), written.pop("metric_definition")
    del expected["priced_by"], expected["metric_definition"]
    assert written == expected
    assert [version["code"] for version in stored_charge] == ["api_calls"]
    assert stored_metric["aggregation"] == "sum"


def test_what_the_order_line_alone_needs_is_written_if_the_charge_says_so() -> None:
    names, analytic = {"de_DE": "API-Aufrufe"}, {"7": "100"}
    written = _written(names=names, tax_behavior="inclusive", analytic_distribution=analytic)
    assert written["names"] == names
    assert written["tax_behavior"] == "inclusive"
    assert written["analytic_distribution"] == analytic
    assert {"names", "tax_behavior", "analytic_distribution"}.isdisjoint(_written())


def test_the_versions_that_priced_it_are_named_by_when_they_became_valid() -> None:
    versions = [{}, {"valid_from": "2026-11-11"}, {"valid_from": "2026-11-21T00:00:00Z"}]
    charges = [parse(Charge, {**CHARGE, **version}, code="api_calls") for version in versions]
    metric = parse(Metric, {"name": "API calls", "aggregation": "sum"}, code="api_calls")
    price = PriceBook([metric], [charges]).pricing("api_calls", WHO, NOVEMBER, DECEMBER)
    assert price is not None
    written = period_document(price, WHO, NOVEMBER, DECEMBER, price.rate([], WHO, NOVEMBER, DECEMBER))
    assert written.price_versions == [None, "2026-11-11", "2026-11-21T00:00:00Z"]
