"""Ratings: their keys, what is billed of a stored one, and its history."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from fusion_billing.billing.large_documents import INLINE_BYTES
from fusion_billing.billing.rating import (
    Line,
    RatingKey,
    StoredRating,
    computed_rating,
)
from tests.rating_documents import document

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
OWN = RatingKey("42", NOVEMBER, "api_calls")
ADJUSTMENT = replace(OWN, corrects=datetime(2026, 10, 1, tzinfo=timezone(timedelta(hours=2))))


def test_a_key_names_the_charge_and_the_period_that_an_adjustment_corrects() -> None:
    assert OWN.name == "api_calls"
    assert ADJUSTMENT.name == "api_calls@2026-09-30T22:00:00Z"


def test_an_order_line_has_a_public_id() -> None:
    assert OWN.line == "42~20261101T000000Z~api_calls"
    assert ADJUSTMENT.line == "42~20261101T000000Z~api_calls@20260930T220000Z"
    vienna = datetime(2026, 11, 1, 7, 8, 9, tzinfo=timezone(timedelta(hours=1)))
    assert RatingKey("42", vienna, "c").line == "42~20261101T060809Z~c"
    assert RatingKey("42", datetime(987, 1, 2, tzinfo=UTC), "c").line == "42~09870102T000000Z~c"


@pytest.mark.parametrize(
    ("line", "billed"),
    [
        (Line(), "0"),
        (Line(amount=Decimal("1.00")), "1.00"),
        (Line(amount=Decimal("1.00"), billed=Decimal("0.40")), "0.40"),
        (Line(amount=Decimal("1.00"), billed=Decimal(0)), "0"),
    ],
)
def test_what_is_billed_is_what_invoices_hold_or_else_what_odoo_acknowledged(line: Line, billed: str) -> None:
    rating = StoredRating(OWN, 1, Decimal("1.00"), "digest", "{}", line=line)
    assert rating.billed == Decimal(billed)
    assert not rating.unresolved
    assert replace(rating, line=replace(line, has_intent=True)).unresolved


def test_a_computed_rating_has_the_digest_of_the_whole_document() -> None:
    small = computed_rating(OWN, document(), frozenset({"amount:1"}), "usage")
    assert (small.thresholds, small.cause, small.amount) == (frozenset({"amount:1"}), "usage", Decimal("1.00"))
    large = document(steps=[{"description": "x", "units": "1", "unit_amount": "1", "amount": "1"}] * 1_000)
    first = computed_rating(OWN, large)
    other = computed_rating(OWN, replace(large, steps=(*large.steps[:-1], large.steps[-1]._replace(units="2"))))
    assert first.document_json == other.document_json
    assert first.digest != other.digest
    assert (len(first.parts), first.thresholds, first.cause) == (1, frozenset(), None)


@pytest.mark.parametrize(("length", "is_apart"), [(-1, False), (0, False), (1, True)])
def test_a_field_is_stored_apart_past_32_kb(length: int, is_apart: bool) -> None:
    quotes_and_brackets = len('[""]')
    text = "x" * (INLINE_BYTES - quotes_and_brackets + length)
    assert bool(computed_rating(OWN, document(price_versions=[text])).parts) is is_apart
