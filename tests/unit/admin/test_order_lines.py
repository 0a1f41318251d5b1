"""Order lines are listed by state, shown, and made due again."""

import pytest

from functions.admin.route_table.operation import LINE_STATES
from functions.admin.services import lines
from functions.admin.services.sent_lines import SENT
from fusion_billing.dynamodb.ratings.order_line_items import CHANGED, FAILED, FINAL_INVOICE
from fusion_billing.errors import Conflict, NotFound, Refused
from tests.fakes.queue import FakeQueue
from tests.fakes.relay_world import RelayWorld


@pytest.fixture
def world() -> RelayWorld:
    """A line that failed, since its order does not exist."""
    world = RelayWorld()
    world.odoo.order(1)
    world.rate()
    assert world.run()["failed"] == 1
    return world


def test_a_failed_line_is_listed_and_shown_with_its_error(world: RelayWorld) -> None:
    [shown], after = lines.listing(world.lines, "failed", 1, 10, None)
    assert (shown["state"], shown["amount"], shown["odoo_order_id"], after) == ("failed", "1.00", 42, None)
    assert shown["error"]["code"] == world.line().error
    assert lines.get(world.lines, shown["id"]) == shown


def test_a_failed_line_is_retried_at_once(world: RelayWorld) -> None:
    queue = FakeQueue()
    shown = lines.retry(world.lines, queue, world.line().key.line, 1, world.clock.now)
    assert (shown["state"], len(queue.messages)) == ("due", 1)
    world.odoo.order(42)
    assert world.run()["sent"] == 1
    with pytest.raises(Conflict):
        lines.retry(world.lines, queue, world.line().key.line, 1, world.clock.now)


def test_a_line_is_due_even_if_the_relay_cannot_be_woken(world: RelayWorld) -> None:
    lines.retry(world.lines, FakeQueue(capacity=0), world.line().key.line, 1, world.clock.now)
    assert world.line().state == "due"


def test_lines_are_listed_page_by_page() -> None:
    world = RelayWorld()
    for charge in ("a", "b", "c"):
        world.rate(charge=charge)
    page, after = lines.listing(world.lines, "due", 1, 2, None)
    rest, end = lines.listing(world.lines, "due", 1, 2, after)
    assert ([shown["charge"] for shown in page + rest], end) == (["a", "b", "c"], None)


def test_an_unknown_line_is_not_found_and_a_foreign_cursor_refused(world: RelayWorld) -> None:
    for identity in ("42", "42~20261101T000000Z~none", "42~20261301T000000Z~api_calls"):
        with pytest.raises(NotFound):
            lines.get(world.lines, identity)
    with pytest.raises(Refused):
        lines.listing(world.lines, "failed", 1, 2, '[0, {"pk": 1}]')


def test_lines_are_listed_in_every_state_in_which_they_wait_or_are_held() -> None:
    assert LINE_STATES == (FAILED, "due", FINAL_INVOICE, CHANGED, SENT)
