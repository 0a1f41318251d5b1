"""Each closed period yields a statement, once what Odoo invoiced is known; together they prove themselves."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.rate.statements import GRACE
from fusion_billing.messaging.rating_messages import sweep_jobs
from fusion_billing.statements.chain import findings

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

NOVEMBER, DECEMBER, JANUARY, FEBRUARY = "2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01"
CLOSED = {"job": "subscription", "id": "42"}


def billed(
    world: "World",
    amount: str,
    start: str = NOVEMBER,
    charge: str = "api_calls",
    source: str = "",
) -> None:
    """Do as the relay does once it has read Odoo's invoice."""
    told = {":source": {"S": source}} if source else {}
    world.client.update_item(
        TableName=world.tables.ratings,
        Key={"pk": {"S": f"R#42#{start}T00:00:00Z"}, "sk": {"S": charge}},
        UpdateExpression="SET billed = :amount" + (", billed_source = :source" if source else ""),
        ExpressionAttributeValues={":amount": {"S": amount}, **told},
    )


def statements(world: "World") -> list[Any]:
    """Return the statements, the newest first."""
    found, _ = world.statements.page("42", None, 100)
    return found


@pytest.fixture
def closed(small_world: "World") -> "World":
    """A world whose November was rated at 1.50, sent, and invoiced on 1 December."""
    small_world.push("20")
    small_world.push("5", "2026-11-20")
    small_world.rate()
    small_world.acknowledge()
    small_world.now = datetime(2026, 12, 1, 3, tzinfo=UTC)
    small_world.invoice(JANUARY)
    small_world.do(CLOSED)
    return small_world


def test_a_statement_is_made_once_the_invoice_was_read(closed: "World") -> None:
    assert statements(closed) == [], "what Odoo invoiced is not known yet"
    billed(closed, "1.40")
    closed.do(CLOSED)

    [statement] = statements(closed)
    [line] = statement["lines"]
    assert statement["totals"] == {
        "rated": "1.50",
        "adjusted": "0.00",
        "invoiced": "1.40",
        "difference": "0.10",
    }
    assert (line["invoiced_from"], line["records"], line["revisions"]) == ("invoice", 2, 2)
    assert len(line["missing_days"]) == 28
    assert "2026-11-03" not in line["missing_days"]
    assert (statement["customer_name"], statement["previous_hash"]) == ("Azure Interior", None)
    [event] = closed.outbox.data_of("statement.closed")
    assert (event["hash"], event["difference"]) == (statement["hash"], "0.10")


def test_a_statement_is_created_once_even_if_messages_repeat(closed: "World") -> None:
    billed(closed, "1.50")
    for _ in range(3):
        closed.do(CLOSED)
    assert len(statements(closed)) == 1
    assert len(closed.outbox.data_of("statement.closed")) == 1


def test_without_an_invoice_the_statement_has_the_acknowledged_amounts_after_a_week(closed: "World") -> None:
    closed.now += GRACE - timedelta(minutes=1)
    closed.do(CLOSED)
    assert statements(closed) == []
    closed.now += timedelta(minutes=1)
    for message in sweep_jobs():
        closed.do(message)
    [statement] = statements(closed)
    assert [line["invoiced_from"] for line in statement["lines"]] == ["acknowledged"]
    assert statement["totals"]["invoiced"] == "1.50"


def test_an_amount_read_from_the_order_line_is_marked_as_such(closed: "World") -> None:
    billed(closed, "1.50", source="order_line")
    closed.do(CLOSED)
    [statement] = statements(closed)
    assert [line["invoiced_from"] for line in statement["lines"]] == ["order_line"]


def test_an_unknown_result_is_waited_for_however_long(closed: "World") -> None:
    item: Any = {"pk": {"S": f"R#42#{NOVEMBER}T00:00:00Z"}, "sk": {"S": "api_calls"}}
    closed.client.update_item(
        TableName=closed.tables.ratings,
        Key=item,
        UpdateExpression="SET line_intent = :intent",
        ExpressionAttributeValues={":intent": {"S": "{}"}},
    )
    closed.now += 2 * GRACE
    closed.do(CLOSED)
    assert statements(closed) == []


def test_late_usage_is_an_adjustment_of_the_next_statement_and_the_chain_holds(closed: "World") -> None:
    billed(closed, "1.50")
    closed.do(CLOSED)
    closed.push("40")
    closed.rate_hour()
    closed.acknowledge(DECEMBER, corrects=NOVEMBER)
    closed.now = datetime(2027, 1, 1, 3, tzinfo=UTC)
    closed.invoice(FEBRUARY)
    billed(closed, "2.00", DECEMBER, "api_calls@2026-11-01T00:00:00Z")
    closed.do(CLOSED)

    december, november = statements(closed)
    assert december["totals"] == {
        "rated": "0.00",
        "adjusted": "2.00",
        "invoiced": "2.00",
        "difference": "0.00",
    }
    [line] = december["lines"]
    assert (line["corrects"], line["records"], line["revisions"]) == ("2026-11-01T00:00:00Z", 2, 2)
    assert december["previous_hash"] == november["hash"]
    assert november["totals"]["rated"] == "1.50", "a statement never changes"
    assert findings([december, november]) == []


def test_a_period_waits_for_the_one_before_it(closed: "World") -> None:
    closed.now = datetime(2027, 1, 1, 3, tzinfo=UTC) - timedelta(days=28)
    closed.push("30", "2026-12-02")
    closed.invoice(FEBRUARY)
    closed.do(CLOSED)
    assert statements(closed) == []
    billed(closed, "1.50")
    closed.do(CLOSED)
    assert [statement["period_start"][:10] for statement in reversed(statements(closed))] == [
        NOVEMBER,
        DECEMBER,
    ]


def test_nothing_is_chained_to_a_statement_that_was_tampered_with(closed: "World") -> None:
    billed(closed, "1.50")
    closed.do(CLOSED)
    closed.client.update_item(
        TableName=closed.tables.ratings,
        Key={"pk": {"S": "T#42"}, "sk": {"S": "2026-11-01T00:00:00.000000Z"}},
        UpdateExpression="SET #hash = :other",
        ExpressionAttributeNames={"#hash": "hash"},
        ExpressionAttributeValues={":other": {"S": "0" * 64}},
    )
    closed.now = datetime(2027, 1, 1, 3, tzinfo=UTC)
    closed.invoice(FEBRUARY)
    closed.do(CLOSED)
    assert [type(error).__name__ for _, error in closed.reported] == ["TamperedStatement"]
    assert closed.find_rating(DECEMBER) is None or closed.rating(DECEMBER).frozen
