"""A result that got lost is resolved before money depends on it: nothing is billed twice, nothing is lost."""

from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.integration

RIGHT, WRONG = "99.50", "1048.73"


def subtotals(world: Any) -> list[Decimal]:
    return [Decimal(str(row["price_subtotal"])) for row in world.in_odoo(41)]


def lose_the_result(world: Any) -> None:
    """Have Odoo carry out the next load, and nobody hear of it."""
    world.admin.fault("lost", times=3, method="load")
    world.run()
    world.later(minutes=10)


def close_the_period(world: Any, key: Any) -> None:
    """Freeze the rating as its period's end does, and let the relay see to what it left open."""
    world.ratings.freeze(world.line(key))
    for _ in range(3):
        world.run()
        world.later(minutes=10)


def test_a_lost_result_that_odoo_invoices_is_billed_once(world: Any) -> None:
    world.orders(41)
    key = world.rate(41, RIGHT)
    lose_the_result(world)
    world.admin.invoice_period(41)
    close_the_period(world, key)
    assert world.line(key).billed == Decimal(RIGHT)


def test_an_invoiced_line_of_a_lost_result_is_not_written_over(world: Any) -> None:
    world.orders(41)
    key = world.rate(41, "858.09")
    lose_the_result(world)
    world.admin.invoice_period(41)
    world.rate(41, RIGHT)
    statistics = world.run()
    assert statistics.invoiced == {41}
    assert subtotals(world) == [Decimal("858.09")]
    close_the_period(world, key)
    assert world.line(key).billed == Decimal("858.09")


def test_a_mistake_whose_result_was_lost_is_undone_by_its_correction(world: Any) -> None:
    world.orders(41)
    world.rate(41, RIGHT)
    world.run()
    world.rate(41, WRONG)
    lose_the_result(world)
    assert subtotals(world) == [Decimal(WRONG)]
    world.rate(41, RIGHT)
    world.run()
    assert subtotals(world) == [Decimal(RIGHT)]


@pytest.mark.parametrize("invoiced", [False, True])
def test_a_line_loaded_and_never_acknowledged_is_not_settled_at_zero_without_a_look(
    world: Any, monkeypatch: pytest.MonkeyPatch, invoiced: bool
) -> None:
    world.orders(41)
    key = world.rate(41, RIGHT)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("fusion_billing.dynamodb.ratings.order_lines.LineStore.sent_together", killed)
        with pytest.raises(KeyboardInterrupt):
            world.run()
    assert subtotals(world) == [Decimal(RIGHT)]
    world.later(minutes=10)
    if invoiced:
        world.admin.invoice_period(41)
    world.rate(41, "0.00")
    world.run()
    assert subtotals(world) == [Decimal(RIGHT) if invoiced else Decimal(0)]
    close_the_period(world, key)
    assert world.line(key).billed == (Decimal(RIGHT) if invoiced else 0)
