"""Bad rows of a batch are isolated without harm to the other rows."""

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
    """Load all rows or none; report a bad row on row 0 too, and stop early if there are many errors."""

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
        reported = wrong[: max(1, len(data) // 10)]
        messages = [message(0, "Something about row 0"), *[message(index, LOCKED) for index in reported]]
        if len(reported) < len(wrong):
            messages.append({"type": "warning", "message": "Found more than 10 errors"})
        return {"ids": False, "messages": messages}


def message(row: int, text: str) -> dict[str, Any]:
    return {"rows": {"from": row, "to": row}, "record": row, "type": "error", "message": text}


def load(odoo: Any, given_rows: Sequence[Sequence[str]]) -> list[Any]:
    return list(Loader(odoo, lambda: 10.0, lambda _: None).load(given_rows))


def test_one_bad_row_of_a_hundred_costs_four_calls() -> None:
    odoo = Odoo(57)
    results = load(odoo, rows(100))
    assert type(results.pop(57)) is errors.OrderLocked
    assert all(isinstance(result, int) for result in results)
    assert odoo.calls == [100, 98, 1, 1]


@settings(max_examples=60)
@given(st.sets(st.integers(0, 39)), st.booleans())
def test_each_row_gets_its_own_result(bad: set[int], hints: bool) -> None:
    odoo = Odoo(*bad, hints=hints)
    results = load(odoo, rows(40))
    assert {index for index, result in enumerate(results) if not isinstance(result, int)} == bad
    assert set(odoo.there) == {f"fusion_billing.{number}" for number in range(40) if number not in bad}


def test_a_batch_that_fails_without_a_row_is_halved_until_the_row_is_found() -> None:
    odoo = Odoo(3, raises=errors.InvalidCall("can't multiply", name="builtins.TypeError"))
    results = load(odoo, rows(8))
    assert [type(result) for result in results].count(errors.InvalidCall) == 1
    assert type(results[3]) is errors.InvalidCall


def test_missing_access_rights_end_the_call_without_splitting() -> None:
    odoo = Odoo(1, raises=errors.AccessDenied("You are not allowed to create 'Sales Order Line' records."))
    with pytest.raises(errors.MissingAccessRights):
        load(odoo, rows(8))
    assert odoo.calls == [8]


def test_a_call_that_timed_out_is_not_repeated_at_once() -> None:
    odoo = Odoo(1, raises=errors.ReadTimeout("no answer in time"))
    with pytest.raises(errors.ReadTimeout):
        load(odoo, rows(2))
    assert odoo.calls == [2]


def test_a_call_whose_connection_is_lost_is_attempted_three_times() -> None:
    odoo = Odoo(0, raises=errors.ConnectionLost("lost"))
    assert [type(result) for result in load(odoo, rows(2))] == [errors.ConnectionLost] * 2
    assert odoo.calls == [2, 2, 2]


def test_no_rows_need_no_call() -> None:
    odoo = Odoo()
    assert load(odoo, []) == []
    assert odoo.calls == []


def test_columns_are_those_of_the_call() -> None:
    class Columns(Odoo):
        sent: list[Any]

        def call(self, model: str, method: str, /, *, seconds: float, fields: Any, data: Any) -> Any:
            self.sent = fields
            return super().call(model, method, seconds=seconds, fields=fields, data=data)

    odoo: Any = Columns()
    Loader(odoo, lambda: 10.0, lambda _: None).load(rows(1), ("id", "name"))
    assert odoo.sent == ["id", "name"]


def test_a_conflict_reported_for_a_row_repeats_the_whole_call() -> None:
    class Conflicting(Odoo):
        def call(self, model: str, method: str, /, *, seconds: float, fields: Any, data: Any) -> Any:
            if not self.calls:
                self.calls.append(len(data))
                return {"ids": False, "messages": [message(1, "could not serialize access due to concurrent update")]}
            return super().call(model, method, seconds=seconds, fields=fields, data=data)

    odoo = Conflicting()
    assert load(odoo, rows(3)) == [1, 2, 3]
    assert odoo.calls == [3, 3]


def test_the_only_row_has_its_most_specific_error() -> None:
    [error] = load(Odoo(0), rows(1))
    assert type(error) is errors.OrderLocked


def test_a_row_that_is_rejected_without_a_message_has_an_error() -> None:
    [error] = load(Odoo(0, hints=False), rows(1))
    assert type(error) is errors.ValidationFailed
