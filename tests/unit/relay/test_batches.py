"""Due lines packed into calls."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from functions.relay.batches import LARGEST, packed


@dataclass(frozen=True)
class Line:
    order: int
    identity: str
    attempt_count: int = 0


def lines(*orders: int) -> list[Line]:
    return [Line(order, f"line {number}") for number, order in enumerate(orders)]


def test_a_hundred_lines_go_in_one_call() -> None:
    assert [len(batch) for batch in packed(lines(*range(250)))] == [100, 100, 50]


def test_the_lines_of_an_order_stay_together() -> None:
    batches = list(packed(lines(*[1] * 60, *[2] * 60, *[1] * 10)))
    assert [{line.order for line in batch} for batch in batches] == [{1}, {2}]


def test_an_order_of_more_lines_than_a_call_takes_goes_in_several() -> None:
    assert [len(batch) for batch in packed(lines(*[1] * 230))] == [100, 100, 30]


def test_a_line_that_was_postponed_goes_in_smaller_calls() -> None:
    tried = [Line(number, f"line {number}", attempt_count=2) for number in range(60)]
    assert [len(batch) for batch in packed(tried)] == [25, 25, 10]


def test_of_two_lines_that_odoo_can_t_tell_apart_the_later_one_goes_later() -> None:
    twins = [Line(1, "same"), Line(2, "other"), Line(1, "same")]
    assert [[line.identity for line in batch] for batch in packed(twins)] == [["same", "other"], ["same"]]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 40), st.integers(0, 12)), max_size=300))
def test_every_line_goes_exactly_once_and_none_twice_in_a_call(drawn: list[tuple[int, int, int]]) -> None:
    given_lines = [Line(order, f"{order}/{name}", attempt_count) for order, name, attempt_count in drawn]
    batches = list(packed(given_lines))
    assert sorted(map(repr, (line for batch in batches for line in batch))) == sorted(map(repr, given_lines))
    for batch in batches:
        assert 0 < len(batch) <= LARGEST
        assert len({line.identity for line in batch}) == len(batch)
