"""Items of ratings and their lines, as an earlier release stored them, are read, written over, sent and frozen.

`tests/data/stored_ratings.json` holds items that its code wrote: one for each state of a line. Their documents and
histories are text.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.billing.decisions import decide
from fusion_billing.billing.rating import RatingKey, StoredRating, computed_rating
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.guarded_lines import GuardedLines
from fusion_billing.dynamodb.ratings.order_line_items import Intent, Put, StoredLine
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from local.tables import Tables

pytestmark = pytest.mark.integration

ITEMS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "data/stored_ratings.json").read_text())
NOVEMBER, OCTOBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
PARTITION = line_partition(42, 8)
STATES = {
    "due": "due",
    "sent": "sent",
    "resent": "due",
    "failed": "failed",
    "unknown": "due",
    "postponed": "due",
    "waiting": "waiting",
    "none": None,
    "final": "final_invoice",
    "guarded": "due",
    "changed": "sent",
    "full": "due",
}
"""The lines of November, by charge."""


@pytest.fixture
def ratings(dynamodb: DynamoDBClient, tables: Tables) -> RatingsStore:
    for item in ITEMS:
        dynamodb.put_item(TableName=tables.ratings, Item=item)
    return RatingsStore(dynamodb, tables.ratings, line_partitions=8)


@pytest.fixture
def lines(ratings: RatingsStore, dynamodb: DynamoDBClient, tables: Tables) -> GuardedLines:
    return GuardedLines(dynamodb, tables.ratings)


def _key(charge: str) -> RatingKey:
    return RatingKey("42", NOVEMBER, charge)


def _rating(ratings: RatingsStore, charge: str) -> StoredRating:
    found = ratings.get(_key(charge))
    assert found is not None
    return found


def _rate_again(ratings: RatingsStore, charge: str) -> StoredRating:
    """Write the next version of a rating, of 30 units at 2.00."""
    stored = _rating(ratings, charge)
    document = replace(stored.document, units="30", amount="2.00", unrounded_amount="2")
    decision = decide(computed_rating(stored.key, document), stored, period="open", has_usage=True)
    assert decision is not None
    ratings.save(decision, stored=stored, odoo_order_id=42, now=NOW)
    return _rating(ratings, charge)


def _send(lines: GuardedLines, line: StoredLine) -> None:
    intent = Intent(line.version, str(line.amount), "e" * 32, 42, NOW)
    assert lines.intend([(line, intent)]) == [True]
    put = Put(line.odoo_id or 950, 42, str(line.amount), "e" * 32)
    assert lines.sent(replace(line, intent=intent), put, NOW) == "sent"


def test_all_are_read(ratings: RatingsStore) -> None:
    found = {rating.key.name: rating for rating in ratings.in_period("42", NOVEMBER)}
    assert {name: rating.line.state for name, rating in found.items() if not rating.key.corrects} == STATES
    assert found["due"].document.amount == "1.50"
    assert [(entry.version, entry.amount, entry.at) for entry in found["due"].history] == [
        (1, "1.00", "2026-11-20T12:00:03.250000Z"),
        (2, "1.50", "2026-11-20T12:00:03.250000Z"),
    ]
    assert found["unknown"].unresolved
    adjustment = found["frozen@2026-10-01T00:00:00Z"]
    assert (adjustment.amount, adjustment.line.state) == (Decimal("-0.50"), "due")
    [frozen] = ratings.in_period("42", OCTOBER)
    assert (frozen.frozen, frozen.billed) == (True, Decimal("1.50"))


@pytest.mark.parametrize("charge", STATES)
def test_each_is_rated_again_over_its_history(ratings: RatingsStore, charge: str) -> None:
    before = _rating(ratings, charge)
    again = _rate_again(ratings, charge)
    assert (again.version, again.amount, again.line.state) == (before.version + 1, Decimal("2.00"), "due")
    assert again.raised == before.raised
    assert tuple(again.history[:-1]) == tuple(before.history)[-49:]
    assert (again.history[-1].version, again.history[-1].at) == (again.version, "2026-11-25T00:00:00Z")
    assert (again.line.id, again.line.amount, again.unresolved) == (
        before.line.id,
        before.line.amount,
        before.unresolved,
    )


def test_the_due_lines_are_found_and_sent(ratings: RatingsStore, lines: GuardedLines) -> None:
    due, following = lines.due(PARTITION, NOW, 100)
    assert following is None
    expected = {charge for charge, state in STATES.items() if state == "due"} | {"frozen"}
    assert {line.key.charge for line in due} == expected
    for line in due:
        _send(lines, line)
    assert lines.due(PARTITION, NOW, 100) == ([], None)
    assert _rating(ratings, "resent").line.id == 902
    assert _rating(ratings, "due").line.amount == Decimal("1.50")


@pytest.mark.parametrize("charge", STATES)
def test_each_is_sent_after_it_was_rated_again(ratings: RatingsStore, lines: GuardedLines, charge: str) -> None:
    _rate_again(ratings, charge)
    found = {line.key.charge: line for line in lines.due(PARTITION, NOW, 100)[0]}
    _send(lines, found[charge])
    sent = _rating(ratings, charge)
    assert (sent.line.state, sent.line.version, sent.billed) == ("sent", sent.version, Decimal("2.00"))
    assert not sent.unresolved


@pytest.mark.parametrize("charge", STATES)
def test_each_is_frozen_with_what_odoo_acknowledged(ratings: RatingsStore, charge: str) -> None:
    before = _rating(ratings, charge)
    ratings.freeze(before)
    frozen = _rating(ratings, charge)
    assert (frozen.frozen, frozen.billed, frozen.unresolved) == (True, before.billed, before.unresolved)


def test_the_lists_hold_what_they_held(lines: GuardedLines) -> None:
    for partition, charge in (("parked", "failed"), ("final_invoice", "final"), ("changed", "changed")):
        [line], _ = lines.listing(partition, 10)
        assert line.key.charge == charge
    [read] = lines.to_be_read(PARTITION, NOW, 10)
    assert (read.key.charge, read.frozen) == ("frozen", True)


def test_a_failed_line_is_retried_and_a_final_invoice_is_seen(ratings: RatingsStore, lines: GuardedLines) -> None:
    lines.make_due(lines.get(_key("failed")), PARTITION, NOW)
    [final] = lines.final_invoices(10)
    assert lines.final_invoice_seen(final)
    assert _rating(ratings, "failed").line.state == "due"
    assert _rating(ratings, "final").line.state == "sent"


def test_what_a_guard_noted_is_cleared_or_repaired(ratings: RatingsStore, lines: GuardedLines) -> None:
    guarded, changed = lines.get(_key("guarded")), lines.get(_key("changed"))
    assert lines.clear(guarded, None)
    assert lines.repair(changed, "{}", PARTITION, NOW + timedelta(minutes=1))
    assert lines.get(_key("guarded")).guard is None
    assert _rating(ratings, "changed").line.state == "due"
