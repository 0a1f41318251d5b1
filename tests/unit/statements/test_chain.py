"""A statement proves itself: whatever is changed, left out or put in between is found."""

import copy
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fusion_billing.statements import verify
from fusion_billing.statements.chain import findings, is_intact
from fusion_billing.statements.statement import Period, StatementLine, UsageCount, hash_of, statement_document

MONTHS = (9, 10, 11)


def period(month: int, subscription: str = "42") -> Period:
    return Period(
        subscription=subscription,
        customer_name="Nordlicht GmbH",
        plan="Pro",
        currency="EUR",
        timezone="Europe/Berlin",
        odoo_order_id=42,
        start=datetime(2026, month, 1, tzinfo=UTC),
        end=datetime(2026, month + 1, 1, tzinfo=UTC),
        invoiced_at=datetime(2026, month + 1, 1, 6, tzinfo=UTC),
    )


def line(charge: str, rated: str, invoiced: str, corrects: datetime | None = None) -> StatementLine:
    return StatementLine(
        line=f"42~{charge}",
        charge=charge,
        charge_name="API calls",
        metric="api_calls",
        units="1250",
        rated=Decimal(rated),
        invoiced=Decimal(invoiced),
        invoiced_from="invoice",
        usage=UsageCount(30, 41, (date(2026, 9, 3),)),
        corrects=corrects,
    )


def statements(subscription: str = "42") -> list[Any]:
    """Return a chain of three."""
    chain: list[Any] = []
    for month in MONTHS:
        lines = [line("api", "99.50", "99.50"), line("storage", "5.00", "4.00")]
        if month > MONTHS[0]:
            lines.append(line("adjusted", "1.00", "1.00", corrects=datetime(2026, 9, 1, tzinfo=UTC)))
        chain.append(
            statement_document(
                period(month, subscription),
                lines,
                previous_hash=chain[-1]["hash"] if chain else None,
                closed_at=datetime(2026, month + 1, 1, 7, tzinfo=UTC),
            )
        )
    return chain


def test_a_statement_says_what_was_rated_invoiced_and_adjusted() -> None:
    second = statements()[1]
    assert second["totals"] == {
        "rated": "104.50",
        "adjusted": "1.00",
        "invoiced": "104.50",
        "difference": "1.00",
    }
    [adjusted, api, storage] = second["lines"]
    assert (adjusted["corrects"], api["difference"], storage["difference"]) == (
        "2026-09-01T00:00:00Z",
        "0.00",
        "1.00",
    )
    assert (api["records"], api["revisions"], api["missing_days"]) == (30, 41, ["2026-09-03"])


def test_the_hash_does_not_depend_on_the_order_of_lines_or_keys() -> None:
    lines = [line("api", "1.00", "1.00"), line("storage", "2.00", "2.00")]
    at = datetime(2026, 10, 1, tzinfo=UTC)
    one = statement_document(period(9), lines, previous_hash=None, closed_at=at)
    other = statement_document(period(9), lines[::-1], previous_hash=None, closed_at=at)
    assert one["hash"] == other["hash"]
    assert is_intact(dict(reversed(other.items())))


def test_chains_of_several_subscriptions_hold_in_any_order() -> None:
    assert findings([*statements("7"), *reversed(statements("42"))]) == []


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every scalar in a document."""
    if isinstance(value, dict):
        return [path for name, inner in value.items() for path in paths(inner, (*at, name))]
    if isinstance(value, list):
        return [path for index, inner in enumerate(value) for path in paths(inner, (*at, index))]
    return [at]


@pytest.mark.parametrize("path", paths(statements()[1]))
def test_whatever_is_changed_in_a_statement_is_found(path: tuple[Any, ...]) -> None:
    chain = copy.deepcopy(statements())
    *way, name = path
    inner: Any = chain[1]
    for step in way:
        inner = inner[step]
    inner[name] = "changed"
    assert findings(chain)


def test_a_statement_that_is_changed_and_hashed_anew_breaks_the_next() -> None:
    chain = statements()
    forged = statement_document(
        period(10), [line("api", "9.50", "9.50")], previous_hash=chain[0]["hash"], closed_at=datetime.now(UTC)
    )
    assert [(found.period_start, found.code) for found in findings([chain[0], forged, chain[2]])] == [
        ("2026-11-01T00:00:00Z", "chain_broken")
    ]


@pytest.mark.parametrize("missing", [0, 1])
def test_a_statement_that_is_left_out_is_found(missing: int) -> None:
    chain = statements()
    del chain[missing]
    assert [found.code for found in findings(chain)] == ["chain_broken"]


def test_a_statement_that_stands_twice_is_found() -> None:
    chain = statements()
    assert [found.code for found in findings([*chain, chain[1]])]


def test_totals_that_do_not_add_up_are_found_though_the_hash_holds() -> None:
    [first, *_] = statements()
    first["totals"]["invoiced"] = "1.00"
    first["hash"] = hash_of(first)
    assert [found.code for found in findings([first])] == ["totals_differ"]


def test_the_command_reads_what_the_api_returns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed, lines, changed = tmp_path / "listed.json", tmp_path / "lines.ndjson", tmp_path / "changed.json"
    listed.write_text(json.dumps({"items": statements("7"), "cursor": None}))
    lines.write_text("\n".join(json.dumps(statement) for statement in statements("42")))
    assert verify.main([str(listed), str(lines)]) == 0
    assert capsys.readouterr().out == "6 statements are valid\n"

    changed.write_text(listed.read_text().replace("99.50", "98.50", 1))
    assert verify.main([str(changed)]) == 1
    assert "7 2026-09-01T00:00:00Z: hash_differs" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "[1]", '{"items": []}', "7"])
def test_a_file_without_statements_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    assert verify.main([str(file)]) == 2
    assert str(file) in capsys.readouterr().err
    assert verify.main([]) == 2
    assert verify.main([str(tmp_path / "none.json")]) == 2
