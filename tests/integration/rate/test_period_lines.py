"""The lines of a period in one item: what writes cost, and that lines and ratings never diverge for good."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.billing.decisions import SameVersion, decide
from fusion_billing.billing.rating import RatingKey, StoredRating, computed_rating
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.guarded_lines import GuardedLines
from fusion_billing.dynamodb.ratings.line_conditions import STILL_DUE
from fusion_billing.dynamodb.ratings.order_line_items import Intent, Put, StoredLine
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.ratings.repartitioning import Repartitioned, Repartitioning
from local.capacity import Consumed
from local.tables import Tables
from tests.rating_documents import document

pytestmark = pytest.mark.integration

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = 42
PARTITION = line_partition(ORDER, 8)
CHARGES = ("api_calls", "egress_gb", "seats")
PK = "R#42#2026-11-01T00:00:00Z"


@pytest.fixture
def ratings(dynamodb: DynamoDBClient, tables: Tables) -> RatingsStore:
    return RatingsStore(dynamodb, tables.ratings, line_partitions=8)


@pytest.fixture
def lines(dynamodb: DynamoDBClient, tables: Tables) -> GuardedLines:
    return GuardedLines(dynamodb, tables.ratings)


def _key(charge: str) -> RatingKey:
    return RatingKey("42", NOVEMBER, charge)


def _rating(ratings: RatingsStore, charge: str = "api_calls") -> StoredRating:
    found = ratings.get(_key(charge))
    assert found is not None
    return found


def _saves(ratings: RatingsStore, amount: str, *charges: str, line_at: datetime | None = None) -> list[Save]:
    stored = ratings.get_many([_key(charge) for charge in charges])
    saves = []
    for charge in charges:
        rated = computed_rating(_key(charge), document(charge=charge, amount=amount))
        decision: Any = decide(rated, stored.get(_key(charge)), period="open", has_usage=True)
        saves.append(Save(decision, stored.get(_key(charge)), ORDER, line_at))
    return saves


def _rate(ratings: RatingsStore, amount: str, *charges: str, **options: Any) -> None:
    saves = _saves(ratings, amount, *(charges or CHARGES), **options)
    assert ratings.save_many(saves, now=NOW) == [None] * len(saves)


def _due(lines: GuardedLines, at: datetime = NOW) -> list[StoredLine]:
    return lines.due(PARTITION, at, 100)[0]


def _intend(lines: GuardedLines, due: list[StoredLine]) -> list[StoredLine]:
    intents = [(line, Intent(line.version, str(line.amount), "d" * 32, ORDER, NOW)) for line in due]
    assert lines.intend(intents) == [True] * len(due)
    return [replace(line, intent=intent) for line, intent in intents]


def _put(line: StoredLine, digest: str = "d" * 32) -> Put:
    number = 981_000 + CHARGES.index(line.sk)
    form = (Decimal(250), Decimal("0.004"), Decimal(0))
    return Put(number, ORDER, str(line.amount), digest, form=form)


def _send(lines: GuardedLines, due: list[StoredLine]) -> list[str]:
    return list(lines.sent_together([(line, _put(line), ()) for line in _intend(lines, due)], NOW))


def _item(dynamodb: DynamoDBClient, tables: Tables, name: str) -> dict[str, Any]:
    key = {"pk": {"S": PK}, "sk": {"S": name}}
    return dynamodb.get_item(TableName=tables.ratings, Key=key, ConsistentRead=True).get("Item", {})


def test_lines_of_a_period_are_due_sent_and_read_as_lines_of_ratings(
    ratings: RatingsStore, lines: GuardedLines
) -> None:
    _rate(ratings, "1.00")
    due = _due(lines)
    assert [(line.sk, line.version, line.amount) for line in due] == [(name, 1, Decimal("1.00")) for name in CHARGES]
    assert _send(lines, due) == ["sent"] * 3
    assert _due(lines) == []
    found = {rating.key.charge: rating for rating in ratings.in_period("42", NOVEMBER)}
    assert {
        name: (rating.line.state, rating.line.version, rating.billed) for name, rating in found.items()
    } == dict.fromkeys(CHARGES, ("sent", 1, Decimal("1.00")))
    assert [(line.sk, line.odoo_id) for line in lines.in_period("42", NOVEMBER)] == [
        (name, 981_000 + number) for number, name in enumerate(CHARGES)
    ]


def test_three_lines_of_an_order_cost_five_units_to_be_due_intended_and_sent(
    ratings: RatingsStore, tables: Tables, metered: tuple[DynamoDBClient, Consumed]
) -> None:
    """The engine does not count what a statement consumes, so the writes of a batch are made one by one."""
    client, consumed = metered
    lines, store = GuardedLines(client, tables.ratings), RatingsStore(client, tables.ratings, line_partitions=8)
    digests = [f"{number:x}9e107d9d372bb6826bd81d3542a419" for number in range(len(CHARGES))]
    _rate(ratings, "1.00")
    _send(lines, _due(lines))
    for number in range(1, 4):  # as their entries grow
        _rate(ratings, f"{number}234.00", "api_calls", "egress_gb")
        [save] = _saves(store, f"{number}234.00", "seats")
        consumed.clear()
        store.save(save.decision, stored=save.stored, odoo_order_id=ORDER, now=NOW)
        assert consumed.operations == ["UpdateItem", "UpdateItem"]
        assert consumed.units(tables.ratings) == 1 + 1, "the rating and the lines, which are listed already"
        consumed.clear()
        due = _due(lines)
        assert len(due) == 3
        assert consumed.operations == ["Query", "Query"], "the index, and all that is billed in the period"
        assert consumed.units(tables.ratings) == 0.5 + 1
        known = _intend(lines, due)
        consumed.clear()
        results = [(line, _put(line, digest), ()) for line, digest in zip(known, digests, strict=True)]
        assert lines.sent_together(results, NOW) == ["sent"] * 3
        assert consumed.operations == ["UpdateItem"]
        assert consumed.units(tables.ratings) == 1 + 1
    [save] = _saves(store, "9.00", "api_calls")
    consumed.clear()
    store.save(save.decision, stored=save.stored, odoo_order_id=ORDER, now=NOW)
    assert consumed.units(tables.ratings) == 1 + (1 + 1), "the rating, the lines, and their entry in the index"
    [line] = _due(lines)
    consumed.clear()
    assert lines._shared.write(
        line, {"line_intent": {"S": Intent(5, "9.00", "d" * 32, ORDER, NOW).text()}}, (), STILL_DUE
    )
    assert consumed.units(tables.ratings) == 1, "an intent"


def test_four_lines_with_all_they_may_have_fit_a_write_unit(
    ratings: RatingsStore, lines: GuardedLines, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    names = ("api_calls", "egress_gb", "seats", "storage_gb_hours")
    _rate(ratings, "12345.67", *names)
    due = _due(lines)
    known = [
        replace(
            line, intent=Intent(line.version, "12345.67", f"{number}" * 32, ORDER, NOW + timedelta(microseconds=number))
        )
        for number, line in enumerate(due)
    ]
    assert lines.intend([(line, line.intent) for line in known if line.intent]) == [True] * 4
    for number, line in enumerate(known):
        put = Put(
            981_771 + number,
            ORDER,
            "12345.67",
            f"{number * 7}a"[:2] * 16,
            suffix="--o4711",
            form=(Decimal(1), Decimal("12345.67"), Decimal(0)),
        )
        assert lines.sent(line, put, NOW) == "sent"
    _rate(ratings, "22345.67", *names)
    lines.intend(
        [
            (replace(line, version=2), Intent(2, "22345.67", f"{number}" * 32, ORDER, NOW))
            for number, line in enumerate(due)
        ]
    )
    item = _item(dynamodb, tables, "LINES")
    assert len(item["period_lines"]["B"]) + 150 < 1024


def test_a_line_whose_worker_was_stopped_before_it_was_due_is_made_due_by_the_next_rating(
    ratings: RatingsStore, lines: GuardedLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rate(ratings, "1.00", "api_calls")
    _send(lines, _due(lines))
    [save] = _saves(ratings, "2.00", "api_calls")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("fusion_billing.dynamodb.ratings.rating_line_writes.RatingLineWrites.write", stopped)
        with pytest.raises(KeyboardInterrupt):
            ratings.save(save.decision, stored=save.stored, odoo_order_id=ORDER, now=NOW)
    behind = _rating(ratings)
    assert (behind.version, behind.line.state, behind.line.is_behind) == (2, "sent", True)
    assert _due(lines) == []

    rated = save.decision.computed_rating
    decision = decide(rated, behind, period="open", has_usage=True)
    assert decision == SameVersion(behind, "due", frozenset())
    ratings.save(decision, stored=behind, odoo_order_id=ORDER, now=NOW)
    assert [(line.version, line.amount) for line in _due(lines)] == [(2, Decimal("2.00"))]
    assert decide(rated, _rating(ratings), period="open", has_usage=True) is None
    assert _send(lines, _due(lines)) == ["sent"]
    assert decide(rated, _rating(ratings), period="open", has_usage=True) is None


def test_a_result_of_a_version_that_was_replaced_on_its_way_leaves_the_line_due(
    ratings: RatingsStore, lines: GuardedLines
) -> None:
    _rate(ratings, "1.00", "api_calls", "seats")
    known = _intend(lines, _due(lines))
    _rate(ratings, "2.00", "api_calls")
    assert lines.sent_together([(line, _put(line), ()) for line in known], NOW) == ["overtaken", "sent"]
    [due] = _due(lines)
    assert (due.sk, due.version, due.sent_version, due.sent_amount, due.intent) == ("api_calls", 2, 1, Decimal(1), None)
    assert _send(lines, [due]) == ["sent"]


def test_the_line_of_a_version_that_was_sent_before_its_worker_went_on_stays_sent(
    ratings: RatingsStore, lines: GuardedLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rate(ratings, "1.00", "api_calls")
    [save] = _saves(ratings, "2.00", "api_calls")
    late: list[tuple[Any, ...]] = []
    with monkeypatch.context() as patched:
        patched.setattr(ratings._line_writes, "write", lambda *call: late.append(call))
        ratings.save(save.decision, stored=save.stored, odoo_order_id=ORDER, now=NOW)
    [due] = _due(lines)
    assert due.version == 2, "the newest version is sent, though its line is not due for it yet"
    _send(lines, [due])
    ratings._line_writes.write(*late[0])
    assert _due(lines) == []
    assert not _rating(ratings).line.is_behind


def test_a_line_that_is_due_at_a_later_time_is_not_written_at_each_change(
    ratings: RatingsStore, lines: GuardedLines, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    slot = NOW + timedelta(hours=12)
    _rate(ratings, "1.00", "api_calls")
    _send(lines, _due(lines))
    _rate(ratings, "2.00", "api_calls", line_at=slot)
    before = _item(dynamodb, tables, "LINES")
    _rate(ratings, "3.00", "api_calls", line_at=slot)
    assert _item(dynamodb, tables, "LINES") == before
    assert (
        decide(
            computed_rating(_key("api_calls"), document(charge="api_calls", amount="3.00")),
            _rating(ratings),
            period="open",
            has_usage=True,
        )
        is None
    )
    assert _due(lines) == []
    [due] = _due(lines, slot)
    assert (due.version, due.amount) == (3, Decimal("3.00"))
    assert _send(lines, [due]) == ["sent"]
    assert not _rating(ratings).line.is_behind


def test_a_rating_at_zero_that_was_never_sent_costs_no_line(
    ratings: RatingsStore, lines: GuardedLines, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    _rate(ratings, "0.00", "api_calls")
    assert _item(dynamodb, tables, "LINES") == {}
    assert _rating(ratings).line.state is None
    _rate(ratings, "1.00", "api_calls")
    assert _send(lines, _due(lines)) == ["sent"]
    _rate(ratings, "0.00", "api_calls")
    assert [line.amount for line in _due(lines)] == [Decimal("0.00")], "what is in Odoo is set to zero there"


def test_due_lines_follow_the_number_of_partitions(
    ratings: RatingsStore, lines: GuardedLines, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    _rate(ratings, "1.00")
    target = line_partition(ORDER, 3)
    assert target != PARTITION
    assert Repartitioning(dynamodb, tables.ratings).run(3) == Repartitioned(3, 3)
    assert _due(lines) == []
    moved = lines.due(target, NOW, 100)[0]
    assert {line.sk for line in moved} == set(CHARGES)
    assert _send(lines, moved) == ["sent"] * 3


@pytest.mark.parametrize("before", ["due", "sent", "intended", "none"])
def test_a_frozen_rating_has_its_line_and_is_no_longer_among_those_of_the_period(
    ratings: RatingsStore, lines: GuardedLines, dynamodb: DynamoDBClient, tables: Tables, before: str
) -> None:
    _rate(ratings, "0.00" if before == "none" else "1.00", "api_calls")
    _rate(ratings, "1.00", "seats")
    due = [line for line in _due(lines) if line.sk == "api_calls"]
    known = _intend(lines, due) if before in {"intended", "sent"} else []
    if before == "sent":
        lines.sent_together([(known[0], _put(known[0]), ())], NOW)
    [save] = _saves(ratings, "2.00", "api_calls")
    ratings.freeze(_rating(ratings))
    frozen = _rating(ratings)
    assert (frozen.frozen, frozen.line.is_on_rating, frozen.unresolved) == (True, True, before == "intended")
    assert frozen.billed == (1 if before == "sent" else 0)
    assert [line.sk for line in _due(lines)] == ["seats"]
    read = [line.sk for line in lines.to_be_read(PARTITION, NOW, 10)]
    assert read == (["api_calls"] if before in {"sent", "intended"} else [])
    [failure] = ratings.save_many([save], now=NOW)
    assert failure is not None, "a frozen rating never changes"
    if before == "intended":
        assert lines.sent_together([(known[0], _put(known[0]), ())], NOW) == ["frozen"]
        assert _rating(ratings).billed == 1
    assert "api_calls" not in [line.sk for line in _due(lines)]


def test_a_worker_that_goes_on_after_its_rating_was_frozen_makes_no_line_due(
    ratings: RatingsStore, lines: GuardedLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    [save] = _saves(ratings, "1.00", "api_calls")
    late: list[tuple[Any, ...]] = []
    with monkeypatch.context() as patched:
        patched.setattr(ratings._line_writes, "write", lambda *call: late.append(call))
        ratings.save(save.decision, stored=None, odoo_order_id=ORDER, now=NOW)
    ratings.freeze(_rating(ratings))
    ratings._line_writes.write(*late[0])
    assert _due(lines) == []
    assert lines.listing(f"due#{PARTITION:02d}", 10) == ([], None)


def test_a_line_that_fails_is_listed_alone_and_due_again_with_its_next_version(
    ratings: RatingsStore, lines: GuardedLines
) -> None:
    _rate(ratings, "1.00")
    [line, *others] = _due(lines)
    assert lines.fail(line, "order_locked", "The order is locked", NOW)
    [failed], _ = lines.listing("parked", 10)
    assert (failed.sk, failed.state, failed.error) == (line.sk, "failed", "order_locked")
    assert [one.sk for one in _due(lines)] == [one.sk for one in others]
    assert _send(lines, _due(lines)) == ["sent"] * 2
    _rate(ratings, "2.00")
    assert {one.sk for one in _due(lines)} == set(CHARGES)
    due = {one.sk: one for one in _due(lines)}
    assert not due[line.sk].is_shared
    assert _send(lines, [due[line.sk]]) == ["sent"]
    assert _rating(ratings, line.sk).line.state == "sent"


def test_a_line_is_moved_while_a_worker_writes_its_rating_and_is_due_all_the_same(
    ratings: RatingsStore, lines: GuardedLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rate(ratings, "1.00", "api_calls")
    _send(lines, _due(lines))
    [read] = _saves(ratings, "2.00", "api_calls")
    sent = lines.get(_key("api_calls"))
    assert lines.note(sent, "{}", NOW)
    [failure] = ratings.save_many([read], now=NOW)
    assert failure is not None, "it is read again, and its line with it"

    _rate(ratings, "2.00", "api_calls")
    [due] = _due(lines)
    assert (due.version, due.is_shared) == (2, False)


def test_a_line_that_is_moved_between_its_rating_and_its_own_write_is_due_on_its_rating(
    ratings: RatingsStore, lines: GuardedLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rate(ratings, "1.00", "api_calls")
    _send(lines, _due(lines))
    [save] = _saves(ratings, "2.00", "api_calls")
    write = ratings._line_writes.write

    def after_it_was_moved(*call: Any) -> None:
        assert lines.note(lines.get(_key("api_calls")), "{}", NOW)
        write(*call)

    with monkeypatch.context() as patched:
        patched.setattr(ratings._line_writes, "write", after_it_was_moved)
        ratings.save(save.decision, stored=save.stored, odoo_order_id=ORDER, now=NOW)
    [due] = _due(lines)
    assert (due.version, due.is_shared, due.amount) == (2, False, Decimal("2.00"))
    assert not _rating(ratings).line.is_behind


def test_a_line_that_was_moved_while_its_rating_was_read_is_read_again(
    ratings: RatingsStore, lines: GuardedLines, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    _rate(ratings, "1.00", "api_calls")
    _send(lines, _due(lines))
    before = _item(dynamodb, tables, "api_calls")
    lines.note(lines.get(_key("api_calls")), "{}", NOW)
    after = [_item(dynamodb, tables, "api_calls"), _item(dynamodb, tables, "LINES")]
    reads = iter([[before, after[1]], after])
    [stored] = ratings._rated(lambda: next(reads), [PK])
    assert (stored.line.state, stored.line.is_on_rating) == ("sent", True)


def test_writers_of_the_same_period_lose_nothing(dynamodb: DynamoDBClient, tables: Tables) -> None:
    """Each knows the lines as they were before the others wrote."""
    stores = [RatingsStore(dynamodb, tables.ratings, line_partitions=8) for _ in CHARGES]
    saves = [_saves(store, "1.00", charge) for store, charge in zip(stores, CHARGES, strict=True)]
    for store, own in zip(stores, saves, strict=True):
        assert store.save_many(own, now=NOW) == [None]
    lines, others = GuardedLines(dynamodb, tables.ratings), GuardedLines(dynamodb, tables.ratings)
    due = _due(lines)
    assert len(due) == 3
    _due(others)
    assert _send(lines, due[:1]) == ["sent"]
    assert others.postpone(due[1], "read_timeout", "The call timed out", NOW + timedelta(minutes=1))
    assert _send(lines, due[2:]) == ["sent"]
    assert [line.sk for line in _due(lines, NOW + timedelta(hours=1))] == [due[1].sk]


def test_another_runs_intent_is_not_written_over(ratings: RatingsStore, lines: GuardedLines) -> None:
    _rate(ratings, "1.00", "api_calls")
    [line] = _due(lines)
    [known] = _intend(lines, [line])
    assert not lines.postpone(line, "read_timeout", "The call timed out", NOW)
    assert lines.sent(replace(line, intent=Intent(1, "1.00", "e" * 32, ORDER, NOW)), _put(line), NOW) == "overtaken"
    assert lines.get(line.key).intent == known.intent
    assert lines.sent(known, _put(known), NOW) == "sent"
