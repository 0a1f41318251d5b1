"""Each invoiced period gets one statement, once it is known what Odoo invoiced."""

from datetime import UTC, datetime, timedelta

from functions.rate.statements import GRACE
from tests.fakes.rating_world import RatingWorld
from tests.fakes.ratings import an_empty_statement


def test_a_statement_is_made_once_the_invoice_was_read(invoiced: RatingWorld) -> None:
    assert invoiced.statements.documents == {}
    invoiced.read_invoice("1.40")
    for _ in range(2):
        invoiced.rate_subscription()
    [statement] = invoiced.statements.documents.values()
    assert statement["totals"] == {"rated": "1.50", "adjusted": "0.00", "invoiced": "1.40", "difference": "0.10"}
    [data] = invoiced.outbox.data_of("statement.closed")
    assert data["hash"] == statement["hash"]


def test_after_a_week_a_statement_is_made_from_what_odoo_acknowledged(invoiced: RatingWorld) -> None:
    invoiced.clock.now += GRACE - timedelta(days=1, minutes=1)
    invoiced.rate_subscription()
    assert invoiced.statements.documents == {}
    invoiced.clock.now += timedelta(days=1, minutes=1)
    invoiced.rate_subscription()
    [statement] = invoiced.statements.documents.values()
    totals = statement["totals"]
    assert isinstance(totals, dict)
    assert totals["invoiced"] == "1.50"


def test_statements_form_a_chain(invoiced: RatingWorld) -> None:
    invoiced.read_invoice("1.50")
    invoiced.rate_subscription()
    invoiced.invoice("2027-02-01")
    invoiced.rate_subscription()
    first, second = (document for _, document in sorted(invoiced.statements.documents.items()))
    assert (first["previous_hash"], second["previous_hash"]) == (None, first["hash"])


def test_a_period_waits_for_the_statement_of_the_one_before_it(invoiced: RatingWorld) -> None:
    invoiced.invoice("2027-02-01")
    invoiced.rate_subscription()
    assert invoiced.statements.documents == {}
    invoiced.read_invoice("1.50")
    invoiced.rate_subscription()
    assert len(invoiced.statements.documents) == 2


def test_a_statement_another_worker_made_is_left_alone(invoiced: RatingWorld) -> None:
    invoiced.read_invoice("1.50")
    key = "42", "2026-11-01T00:00:00Z"
    of_another_worker = an_empty_statement("42", datetime(2026, 11, 1, tzinfo=UTC))
    invoiced.statements.documents[key] = of_another_worker
    invoiced.rate_subscription()
    assert invoiced.statements.documents == {key: of_another_worker}
    assert invoiced.reported == []
