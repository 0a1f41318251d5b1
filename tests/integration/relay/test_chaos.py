"""Whatever goes wrong on the way, in the end each rating is one line, to the cent."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.integration

KINDS: list[dict[str, Any]] = [
    {"kind": "lost"},
    {"kind": "reset"},
    {"kind": "serialization"},
    {"kind": "load_serialization"},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 429, "retry_after": 1},
]


@pytest.mark.parametrize("seed", range(2))
def test_every_rating_ends_up_as_one_order_line(world: Any, seed: int) -> None:
    rng = random.Random(seed)
    orders = range(101, 121)
    world.orders(*orders)
    line_item: dict[tuple[int, str], str] = {}
    world.admin.latency(0.005)
    for number in range(8):
        for order in rng.sample(orders, 8):
            charge = rng.choice(("api_calls", "storage"))
            line_item[order, charge] = f"{rng.randint(0, 500) / Decimal(100):.2f}"
            world.rate(order, line_item[order, charge], charge=charge)
        for fault in rng.sample(KINDS, 3):
            world.admin.fault(**fault, times=rng.randint(1, 3), skip=rng.randint(0, 5))
        relays = [world.relay(f"run-{number}-{index}") for index in range(3)]
        world.together(*[relay.run for relay in relays])
        world.later(seconds=rng.choice((5, 40, 130)))
    world.admin.clear_faults()
    for number in range(6):
        world.later(hours=2)
        world.run(f"last-{number}")

    lines = [line for order in orders for line in world.in_odoo(order)]
    billed: Counter[tuple[int, Decimal]] = Counter()
    for line in lines:
        billed[line["order_id"][0], Decimal(str(line["price_subtotal"]))] += 1
    wanted: Counter[tuple[int, Decimal]] = Counter()
    for (order, _), amount in line_item.items():
        wanted[order, Decimal(amount)] += 1
    zero = {key for key in (*billed, *wanted) if key[1] == 0}
    assert {key: count for key, count in billed.items() if key not in zero} == {
        key: count for key, count in wanted.items() if key not in zero
    }
    assert len(lines) <= len(line_item)
    assert world.admin.overlaps() == []
    for order, charge in line_item:
        stored = world.find(order, charge)
        assert (stored.line.state, stored.line.amount) == ("sent", stored.amount)
