"""The demo's judgement: a figure that is off by a cent, or a webhook that is missing, is named."""

import dataclasses
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from local.demo import catalog, expected, usage
from local.demo.expected import Row
from local.demo.table import Outcome, differences, drawn

EVENTS = ("rating.updated", "line.upserted")
ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 26)
ROWS = expected.rows(TODAY)


def outcome(*changed: Row, without: tuple[str, str] | None = None, events: tuple[str, ...] = EVENTS) -> Outcome:
    rows = {(row.subscription, row.charge): row for row in [*ROWS, *changed]}
    if without is not None:
        del rows[without]
    return Outcome(rows, dict.fromkeys(rows, events))


def test_what_is_as_expected_is_not_mentioned() -> None:
    assert differences(ROWS, outcome(), EVENTS) == []


@pytest.mark.parametrize("figure", ["units", "included", "overage", "amount", "quantity", "price", "subtotal"])
def test_each_figure_that_is_off_is_named(figure: str) -> None:
    wrong = dataclasses.replace(ROWS[0], **{figure: getattr(ROWS[0], figure) + Decimal("0.01")})

    [told] = differences(ROWS, outcome(wrong), EVENTS)

    assert figure in told
    assert ROWS[0].subscription in told


def test_a_line_that_is_not_in_odoo_is_named() -> None:
    nothing = Decimal("NaN")
    unsent = dataclasses.replace(ROWS[0], quantity=nothing, price=nothing, subtotal=nothing)

    told = differences(ROWS, outcome(unsent), EVENTS)

    assert len(told) == 3
    assert "missing" in drawn(ROWS, outcome(unsent))


def test_a_rating_that_is_not_there_is_named() -> None:
    where = (ROWS[3].subscription, ROWS[3].charge)

    assert differences(ROWS, outcome(without=where), EVENTS) == [f"subscription {where[0]}, {where[1]}: not there"]


def test_a_webhook_that_did_not_come_is_named() -> None:
    told = differences(ROWS, outcome(events=("rating.updated",)), EVENTS)

    assert len(told) == len(ROWS)
    assert all("line.upserted" in line for line in told)


def test_a_bad_signature_is_named() -> None:
    told = differences(ROWS, dataclasses.replace(outcome(), refused=2), EVENTS)

    assert told == ["2 webhooks came with a signature that is not good"]


def test_money_is_shown_with_its_cents() -> None:
    assert "2.44" in drawn(ROWS, outcome())


def test_counters_are_as_many_as_the_expectations_say() -> None:
    records = [record for counters in usage.counters(TODAY).values() for record in counters]

    assert len(records) == expected.RECORDS
    assert len({record["idempotency_key"] for record in records}) == len(records)


def test_the_readme_shows_the_table_of_a_day() -> None:
    readme = (ROOT / "README.md").read_text()
    shown = [line for line in readme.splitlines() if re.match(r"(subscription|41\d\d) ", line)]
    assert len(shown) == 3
    assert set(shown) <= set(drawn(ROWS, outcome()).splitlines())


def test_every_expectation_has_a_product_in_odoo() -> None:
    assert {row.charge for row in ROWS} <= set(catalog.CHARGES)
