"""The bad rows of a batch are found by splitting, and cost the others nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_billing.odoo import errors
from fusion_billing.odoo.bulk_load import Loader

LOCKED = "It is forbidden to modify the following fields in a locked order:\nQuantity"


def rows(count: int) -> list[list[str]]:
    return [[f"fusion_billing.{number}"] for number in range(count)]


class Odoo:
    """Loads all rows or none. A bad row's message is doubled on row 0; many errors end the import early."""

    def __init__(self, *bad: int, hints: bool = True, raises: errors.OdooError | None = None) -> None:
        self.bad = {f"fusion_billing.{number}" for number in bad}
        self.hints = hints
        self.raises = raises
        self.calls: list[int] = []
        self.there: dict[str, int] = {}

    def call(self, model: str, method: str, /, *, seconds: float, fields: Any, data: Any) -> Any:
        self.calls.append(len(data))
        wrong = [index for index, row in enumerate(data) if row[0] in self.bad]
        if not wrong:
            return {
                "ids": [self.there.setdefault(row[0], len(self.there) + 1) for row in data],
                "messages": [],
            }
        if self.raises is not None:
            raise self.raises
        if not self.hints:
            return {"ids": False, "messages": []}
        told = wrong[: max(1, len(data) // 10)]
        messages = [message(0, "Something about row 0"), *[message(index, LOCKED) for index in told]]
        if len(told) < len(wrong):
            messages.append({"type": "warning", "message": "Found more than 10 errors"})
        return {"ids": False, "messages": messages}


def message(row: int, text: str) -> dict[str, Any]:
    return {"rows": {"from": row, "to": row}, "record": row, "type": "error", "message": text}


def load(odoo: Any, given_rows: Sequence[Sequence[str]]) -> list[Any]:
    return list(Loader(odoo, lambda: 10.0, lambda _: None).load(given_rows))


def test_one_bad_row_of_a_hundred_costs_four_calls() -> None:
    odoo = Odoo(57)
    verdicts = load(odoo, rows(100))
    assert type(verdicts.pop(57)) is errors.OrderLocked
    assert all(isinstance(one, int) for one in verdicts)
    assert odoo.calls == [100, 98, 1, 1]


@settings(max_examples=60)
@given(st.sets(st.integers(0, 39)), st.booleans())
def test_each_row_gets_its_own_verdict_whatever_the_others_are(bad: set[int], hints: bool) -> None:
    odoo = Odoo(*bad, hints=hints)
    verdicts = load(odoo, rows(40))
    assert {index for index, one in enumerate(verdicts) if not isinstance(one, int)} == bad
    assert set(odoo.there) == {f"fusion_billing.{number}" for number in range(40) if number not in bad}


def test_a_call_refused_as_a_whole_is_halved_until_the_row_is_found() -> None:
    odoo = Odoo(3, raises=errors.InvalidCall("can't multiply", name="builtins.TypeError"))
    verdicts = load(odoo, rows(8))
    assert [type(one) for one in verdicts].count(errors.InvalidCall) == 1
    assert type(verdicts[3]) is errors.InvalidCall


def test_a_user_without_any_right_is_an_alarm_and_nothing_is_split() -> None:
    odoo = Odoo(1, raises=errors.AccessDenied("You are not allowed to create 'Sales Order Line' records."))
    with pytest.raises(errors.MissingAccessRights):
        load(odoo, rows(8))
    assert odoo.calls == [8]


def test_an_outcome_that_may_still_be_under_way_is_not_repeated_at_once() -> None:
    odoo = Odoo(1, raises=errors.ReadTimeout("no answer in time"))
    with pytest.raises(errors.ReadTimeout):
        load(odoo, rows(2))
    assert odoo.calls == [2]


def test_a_lost_answer_is_asked_for_three_times_and_then_left_for_later() -> None:
    odoo = Odoo(0, raises=errors.ConnectionLost("lost"))
    assert [type(one) for one in load(odoo, rows(2))] == [errors.ConnectionLost] * 2
    assert odoo.calls == [2, 2, 2]


def test_no_rows_cost_no_call() -> None:
    odoo = Odoo()
    assert load(odoo, []) == []
    assert odoo.calls == []
