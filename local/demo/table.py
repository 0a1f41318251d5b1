"""The demo's table: what came out, held against what must."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from fusion_billing.decimals import plain
from local.demo.catalog import SUBSCRIPTIONS
from local.demo.expected import Row

_HEADS = ("subscription", "charge", "period", "units", "included", "overage", "amount", "Odoo", "webhooks")
_NUMBERS_FROM = 3
_FIGURES = ("units", "included", "overage", "amount", "subtotal")
_MONEY = frozenset({"amount", "subtotal"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo found: the rows, and the verified webhooks, by subscription and charge."""

    rows: Mapping[tuple[str, str], Row]
    webhooks: Mapping[tuple[str, str], Sequence[str]]
    refused: int = 0


def differences(expected: Iterable[Row], outcome: Outcome, events: Sequence[str]) -> list[str]:
    """Return, in words, every figure that is not as expected and every webhook that is missing."""
    found: list[str] = []
    for row in expected:
        what = f"subscription {row.subscription}, {row.charge}"
        actual = outcome.rows.get((row.subscription, row.charge))
        if actual is None:
            found.append(f"{what}: not there")
            continue
        for field in fields(Row):
            requested, got = getattr(row, field.name), getattr(actual, field.name)
            if requested != got:
                found.append(f"{what}: {field.name} is {_text(got)}, expected {_text(requested)}")
        reported = outcome.webhooks.get((row.subscription, row.charge), ())
        found += [f"{what}: no verified webhook {event}" for event in events if event not in reported]
    if outcome.refused:
        found.append(f"{outcome.refused} webhooks came with a signature that is not good")
    return found


def drawn(expected: Iterable[Row], outcome: Outcome) -> str:
    """Return the table as text, a row for each one expected."""
    body = [_cells(row, outcome) for row in expected]
    widths = [max(len(line[column]) for line in [_HEADS, *body]) for column in range(len(_HEADS))]
    lines = [_line(_HEADS, widths), "  ".join("-" * width for width in widths)]
    return "\n".join([*lines, *(_line(cells, widths) for cells in body)])


def _cells(row: Row, outcome: Outcome) -> Sequence[str]:
    who = f"{row.subscription} {SUBSCRIPTIONS[row.subscription]['customer_name']}"
    webhooks = outcome.webhooks.get((row.subscription, row.charge), ())
    actual = outcome.rows.get((row.subscription, row.charge))
    if actual is None:
        return (who, row.charge, "missing", *[""] * (len(_HEADS) - 4), str(len(webhooks)))
    period = f"{_local_day(row.subscription, actual.period_start)}/{_local_day(row.subscription, actual.period_end)}"
    figures = [_figure(name, getattr(actual, name)) for name in _FIGURES]
    return (who, row.charge, period, *figures, str(len(webhooks)))


def _local_day(subscription: str, instant: str) -> str:
    """Return the day of an instant in the subscription's own time zone: periods begin and end at its midnight."""
    zone = ZoneInfo(SUBSCRIPTIONS[subscription]["timezone"])
    return datetime.fromisoformat(instant).astimezone(zone).date().isoformat()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.rjust(width) if number >= _NUMBERS_FROM else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def _figure(name: str, value: Decimal) -> str:
    return f"{value:.2f}" if name in _MONEY and value.is_finite() else _text(value)


def _text(value: object) -> str:
    if not isinstance(value, Decimal):
        return str(value)
    return plain(value) if value.is_finite() else "missing"
