"""A worker that is killed at any of its calls: the next one leaves every line due for its newest version."""

from typing import Any

import pytest

from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.order_line_items import Put
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.webhooks.publishing import Prepared
from local import tables as template_tables
from tests.fakes.outbox import FakeEvent, FakeOutbox
from tests.integration.rate.conftest import World
from tests.lives.killing import Kill, Killed, Killer
from tests.memory_dynamodb import MemoryDynamoDB

pytestmark = pytest.mark.integration

CHARGES = ("first", "second")
PARTITION = line_partition(42, 8)
MOST_CALLS = 30


class _Heard(FakeOutbox):
    """An outbox whose events are written with the change that they report."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self._table = table

    def prepare(self, *_: object, **__: object) -> Prepared:
        self.events.append(FakeEvent("rating.updated", None, None, None, {}))
        item = {"pk": {"S": f"E#{len(self.events)}"}, "sk": {"S": "EVENT"}}
        return Prepared(writes=[{"Put": {"TableName": self._table, "Item": item}}])


def _sent_world(killer: Killer, *, listens: bool) -> World:
    """Return a world whose two lines were sent at 1.50, and whose usage changed since."""
    client: Any = MemoryDynamoDB(killer)
    world = World(client, template_tables.create(client, template_tables.definitions()), "key")
    world.metric()
    for charge in CHARGES:
        world.charge(charge)
    world.subscribe()
    world.push("25")
    world.rate_hour()
    lines = LineStore(client, world.tables.ratings)
    due, _ = lines.due(PARTITION, world.now, 10)
    assert len(due) == len(CHARGES)
    for line in due:
        assert lines.sent(line, Put(9, 42, "1.50", ""), world.now) == "sent"
    if listens:
        world.outbox = _Heard(world.tables.webhooks)
    world.push("30")
    return world


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("listens", [False, True])
def test_every_line_is_due_for_its_newest_version_after_the_next_run(after: bool, listens: bool) -> None:
    killed = 0
    for call in range(1, MOST_CALLS):
        killer = Killer()
        world = _sent_world(killer, listens=listens)
        try:
            with killer.process(Kill(call, after)):
                world.rate_hour()
        except Killed:
            killed += 1
        world.rate_hour()
        due, _ = LineStore(world.client, world.tables.ratings).due(PARTITION, world.now, 10)
        assert {(line.sk, line.version, str(line.amount)) for line in due} == {
            (charge, 2, "2.00") for charge in CHARGES
        }, call
    assert 0 < killed < MOST_CALLS - 1
