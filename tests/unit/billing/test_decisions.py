"""What becomes of a rating just computed."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fusion_billing.billing.decisions import NewVersion, PeriodState, SameVersion, adjustment, decide
from fusion_billing.billing.rating import ComputedRating, Line, RatingKey, StoredRating, computed_rating
from tests.rating_documents import document

NOW, LATER = datetime(2026, 11, 20, 13, tzinfo=UTC), datetime(2026, 11, 20, 14, tzinfo=UTC)
KEY = RatingKey("42", datetime(2026, 11, 1, tzinfo=UTC), "calls")
CORRECTION = replace(KEY, corrects=datetime(2026, 10, 1, tzinfo=UTC))


def _rated(amount: str, key: RatingKey = KEY, *thresholds: str) -> ComputedRating:
    return computed_rating(key, document(units="5", amount=amount), frozenset(thresholds))


def _stored(amount: str, state: str | None, **fields: object) -> StoredRating:
    rated = _rated(amount)
    stored = StoredRating(KEY, 3, rated.amount, rated.digest, rated.document_json, line=Line(state=state))
    return replace(stored, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "key", "has_usage", "line"),
    [
        ("1.00", KEY, True, "due"),
        ("1.00", KEY, False, "due"),  # a fee that is due without usage
        ("0.00", KEY, True, "none"),
        ("0.00", KEY, False, None),
        ("0.00", CORRECTION, True, None),
        ("-1.00", CORRECTION, True, "due"),
    ],
)
def test_a_first_rating_is_made_of_usage_or_of_an_amount(
    amount: str, key: RatingKey, has_usage: bool, line: str | None
) -> None:
    decision = decide(_rated(amount, key), None, period="open", has_usage=has_usage)
    assert (decision.line if decision is not None else None) == line
    assert decision is None or (isinstance(decision, NewVersion) and decision.version == 1)


@pytest.mark.parametrize(
    ("was", "now", "period", "line"),
    [
        ((None, "0.00"), "1.00", "open", "due"),
        (("due", "1.00"), "2.00", "open", "due"),
        (("sent", "1.00"), "2.00", "open", "due"),
        (("failed", "1.00"), "2.00", "open", "due"),
        (("sent", "1.00"), "0.00", "open", "due"),
        (("due", "1.00"), "0.00", "open", "due"),  # it may be on its way to Odoo
        (("waiting", "1.00"), "2.00", "upcoming", "waiting"),
        (("waiting", "1.00"), "2.00", "open", "due"),
        (("waiting", "1.00"), "0.00", "upcoming", "none"),
    ],
)
def test_a_new_version_moves_its_line(was: tuple[str | None, str], now: str, period: PeriodState, line: str) -> None:
    state, amount = was
    decision = decide(_rated(now), _stored(amount, state), period=period, has_usage=True)
    assert isinstance(decision, NewVersion)
    assert (decision.version, decision.line) == (4, line)


@pytest.mark.parametrize("state", ["due", "sent", "failed"])
def test_the_same_again_is_not_written(state: str) -> None:
    assert decide(_rated("1.00"), _stored("1.00", state), period="open", has_usage=True) is None


def test_a_line_that_waited_is_due_once_its_period_opens_without_a_new_version() -> None:
    decision = decide(_rated("1.00"), _stored("1.00", "waiting"), period="open", has_usage=True)
    assert isinstance(decision, SameVersion)
    assert decision.line == "due"
    assert decide(_rated("1.00"), _stored("1.00", "waiting"), period="upcoming", has_usage=True) is None


def test_a_threshold_is_raised_once_and_only_in_the_open_period() -> None:
    rated = _rated("1.00", KEY, "included:80")
    first = decide(rated, None, period="open", has_usage=True)
    assert first is not None
    assert first.raised == {"included:80"}
    again = decide(rated, _stored("1.00", "due"), period="open", has_usage=True)
    assert isinstance(again, SameVersion)
    told = _stored("1.00", "due", raised=frozenset({"included:80"}))
    assert decide(rated, told, period="open", has_usage=True) is None
    early = decide(rated, None, period="upcoming", has_usage=True)
    assert early is not None
    assert early.raised == frozenset()


def test_nothing_is_decided_about_a_frozen_rating() -> None:
    with pytest.raises(ValueError, match="frozen"):
        decide(_rated("1.00"), _stored("1.00", "sent", frozen=True), period="open", has_usage=True)


def test_an_adjustment_is_what_a_fresh_rating_is_more_than_all_that_was_invoiced() -> None:
    assert adjustment(Decimal("3.00"), Decimal("1.50"), [Decimal("2.00"), Decimal("-0.20")]) == Decimal("-0.30")


def test_an_adjustment_of_38_digits_is_exact() -> None:
    huge = Decimal("99999999999999999999999999999999999.99")
    assert adjustment(huge, Decimal("0.01"), []) == Decimal("99999999999999999999999999999999999.98")


@pytest.mark.parametrize(
    ("line", "is_hurried"),
    [
        (Line(state="due", at=LATER), True),
        (Line(state="due", at=NOW), False),
        (Line(state="due"), False),
        (Line(state="sent", at=LATER), False),
        (Line(state="due", at=LATER, attempt_count=1), False),
    ],
)
def test_a_run_on_demand_sends_a_line_that_waits_but_not_one_that_is_retried(line: Line, is_hurried: bool) -> None:
    stored = _stored("1.00", None, line=line)
    decision = decide(_rated("1.00"), stored, period="open", has_usage=True, send_now=NOW)
    assert (decision is not None) is is_hurried
    if line.state == "due":
        assert decide(_rated("1.00"), stored, period="open", has_usage=True) is None
    if decision is not None:
        assert (decision.line, decision.raised) == ("due", frozenset())


def test_a_threshold_alone_keeps_the_line() -> None:
    decision = decide(_rated("1.00", KEY, "amount:1"), _stored("1.00", "sent"), period="open", has_usage=True)
    assert isinstance(decision, SameVersion)
    assert (decision.line, decision.raised) == ("keep", frozenset({"amount:1"}))


@pytest.mark.parametrize(("has_usage", "is_made"), [(True, True), (False, False)])
def test_a_fee_is_due_in_its_own_period(has_usage: bool, is_made: bool) -> None:
    decision = decide(_rated("1.00"), None, period="upcoming", has_usage=has_usage)
    assert (decision is not None) is is_made
    assert decision is None or decision.line == "waiting"
