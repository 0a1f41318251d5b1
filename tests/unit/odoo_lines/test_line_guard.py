"""What is done about a changed line: repaired a few times a day, then failed; or reported."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from fusion_billing.odoo_lines.external_id import external_id, rating_of
from fusion_billing.odoo_lines.line_guard import (
    ITSELF,
    MAX_NOTES,
    MAX_REPAIRS,
    Action,
    LineGuard,
    Note,
    decide,
    notes_text,
    read_notes,
    with_note,
    without_note,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FOUND = Note(("subtotal", "price"), "1.00", "2497.50", 41, "reported", NOW)


def test_notes_are_read_as_they_were_written() -> None:
    note = decide(FOUND, None, "repair", "")
    assert read_notes(notes_text({ITSELF: note, "17": replace(FOUND, odoo_amount=None)})) == {
        ITSELF: note,
        "17": replace(FOUND, odoo_amount=None),
    }
    assert read_notes(None) == {}


@pytest.mark.parametrize(
    ("guard", "reason", "action", "why"),
    [
        ("repair", "", "repaired", ""),
        ("repair", "it is on an invoice", "reported", "it is on an invoice"),
        ("report", "", "reported", "LINE_GUARD is report"),
        ("report", "it is on an invoice", "reported", "it is on an invoice"),
    ],
)
def test_what_is_done(guard: str, reason: str, action: str, why: str) -> None:
    note = decide(FOUND, None, guard, reason)  # type: ignore[arg-type]
    assert (note.action, note.why) == (action, why)


def test_a_line_is_repaired_so_often_a_day_and_then_failed() -> None:
    note: Note | None = None
    for number in range(MAX_REPAIRS):
        note = decide(replace(FOUND, at=NOW + timedelta(hours=number)), note, "repair", "")
        assert note.action == "repaired"
    failed = decide(replace(FOUND, at=NOW + timedelta(hours=MAX_REPAIRS)), note, "repair", "")
    assert (failed.action, f"{MAX_REPAIRS} times within a day" in failed.why) == ("failed", True)
    assert decide(replace(FOUND, at=NOW + timedelta(hours=25)), failed, "repair", "").action == "repaired"


def test_repairs_are_remembered_for_a_day_after_the_line_agrees_again() -> None:
    notes = with_note({}, ITSELF, decide(FOUND, None, "repair", ""))
    assert len(without_note(notes, ITSELF, NOW + timedelta(hours=23))[ITSELF].repaired_at) == 1
    assert without_note(notes, ITSELF, NOW + timedelta(hours=25)) == {}
    assert without_note(with_note({}, ITSELF, FOUND), ITSELF, NOW) == {}


def test_notes_are_few_and_what_was_not_seen_for_days_is_dropped() -> None:
    notes: dict[str, Note] = {}
    for number in range(30):
        notes = with_note(notes, str(number), replace(FOUND, at=NOW + timedelta(minutes=number)))
    assert list(notes) == [str(number) for number in range(30 - MAX_NOTES, 30)]
    assert list(with_note(notes, "late", replace(FOUND, at=NOW + timedelta(days=4)))) == ["late"]


@pytest.mark.parametrize("corrects", [None, datetime(2026, 10, 1, tzinfo=UTC)])
@pytest.mark.parametrize("suffix", ["", "--p8", "--p8--o55"])
def test_an_external_id_names_its_rating(corrects: datetime | None, suffix: str) -> None:
    start = datetime(2026, 11, 1, 5, tzinfo=UTC)
    name = external_id("acme:eu-1.2", "api_calls.v-2", start, corrects) + suffix
    assert rating_of(name) == ("acme:eu-1.2", "api_calls.v-2", start, corrects)


@pytest.mark.parametrize(
    "name",
    [
        "fusion_billing.42--api_calls",
        "sale.order_line_7",
        "__export__.sale_order_line_981_ab12",
        "fusion_billing.x",
        "fusion_billing.a--b--c",
        "fusion_billing.a--b--20261399T000000Z",
        "fusion_billing.-ff--b--20261101T000000Z",
    ],
)
def test_what_is_no_id_of_a_rating_names_none(name: str) -> None:
    assert rating_of(name) is None


REPAIRED = replace(FOUND, action="repaired", repaired_at=(NOW,))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (FOUND, True),
        (replace(FOUND, at=NOW + timedelta(hours=1)), True),
        (None, False),
        (replace(FOUND, found=("subtotal",)), False),
        (replace(FOUND, amount="2.00"), False),
        (replace(FOUND, odoo_amount=None), False),
        (replace(FOUND, odoo_order=42), False),
        (replace(FOUND, action="failed"), False),
        (replace(FOUND, why="because"), False),
        (replace(FOUND, repaired_at=(NOW,)), False),
    ],
)
def test_a_finding_is_the_same_whenever_it_is_seen(other: Note | None, same: bool) -> None:
    assert FOUND.is_same(other) is same


@pytest.mark.parametrize(("action", "is_open"), [("repaired", False), ("reported", True), ("failed", True)])
def test_a_finding_is_open_unless_it_was_repaired(action: str, is_open: bool) -> None:
    assert replace(FOUND, action=action).is_open is is_open  # type: ignore[arg-type]


def test_a_note_is_stored_as_compact_json() -> None:
    assert notes_text({ITSELF: REPAIRED}) == (
        '{"line":{"found":["subtotal","price"],"amount":"1.00","odoo_amount":"2497.50","odoo_order_id":41,'
        '"action":"repaired","at":"2026-11-29T12:00:00Z","why":"","repaired_at":["2026-11-29T12:00:00Z"]}}'
    )


@pytest.mark.parametrize(
    ("before", "guard", "reason", "expected"),
    [
        (None, "repair", "", {"action": "repaired", "repaired_at": (NOW,)}),
        (REPAIRED, "repair", "", {"action": "repaired", "repaired_at": (NOW, NOW)}),
        (REPAIRED, "repair", "invoiced", {"action": "reported", "why": "invoiced", "repaired_at": (NOW,)}),
        (REPAIRED, "report", "", {"action": "reported", "why": "LINE_GUARD is report", "repaired_at": (NOW,)}),
        (
            replace(FOUND, repaired_at=(NOW,) * 5),
            "repair",
            "",
            {
                "action": "failed",
                "why": "it was repaired 5 times within a day and changed again each time",
                "repaired_at": (NOW,) * 5,
            },
        ),
        (
            replace(FOUND, repaired_at=(NOW - timedelta(days=1), *(NOW,) * 4)),
            "repair",
            "",
            {"action": "repaired", "repaired_at": (NOW,) * 5},
        ),
    ],
)
@pytest.mark.parametrize("action", get_args(Action))
def test_a_decision_keeps_the_finding_and_remembers_the_repairs_of_a_day(
    *, before: Note | None, guard: LineGuard, reason: str, expected: dict[str, Any], action: Action
) -> None:
    found = replace(FOUND, action=action, why="an earlier reason")
    assert decide(found, before, guard, reason) == replace(found, **({"why": ""} | expected))


def test_a_line_that_agrees_again_keeps_other_notes_for_three_days() -> None:
    recent, old = (
        replace(FOUND, at=NOW - timedelta(days=3) + timedelta(seconds=1)),
        replace(FOUND, at=NOW - timedelta(days=3)),
    )
    failed = replace(FOUND, action="failed", why="it changed", repaired_at=(NOW - timedelta(days=1), NOW))
    assert without_note({"17": recent, "18": old, ITSELF: failed}, ITSELF, NOW) == {"17": recent, ITSELF: REPAIRED}
    assert without_note({"17": recent}, ITSELF, NOW) == {"17": recent}


def test_a_new_note_replaces_the_one_before_and_those_not_seen_for_three_days() -> None:
    recent, old = (
        replace(FOUND, at=NOW - timedelta(days=3) + timedelta(seconds=1)),
        replace(FOUND, at=NOW - timedelta(days=3)),
    )
    assert with_note({"17": recent, "18": old, ITSELF: FOUND}, ITSELF, REPAIRED) == {"17": recent, ITSELF: REPAIRED}
