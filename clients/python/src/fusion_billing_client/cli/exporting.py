"""`fusion export`: ratings, usage and statements as CSV or Parquet."""

import csv
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import Failure, UsageFailure
from fusion_billing_client.cli.session import session_of
from fusion_billing_client.decoding import instant

Row = dict[str, Any]

RATINGS = (
    "subscription",
    "customer_name",
    "charge",
    "metric",
    "period_start",
    "period_end",
    "units",
    "included_units",
    "billable_units",
    "amount",
    "currency",
    "state",
)
USAGE = (
    "subscription",
    "metric",
    "idempotency_key",
    "source",
    "period_start",
    "period_end",
    "quantity",
    "revision",
    "member",
    "properties",
)
STATEMENTS = (
    "subscription",
    "customer_name",
    "period_start",
    "period_end",
    "charge",
    "metric",
    "units",
    "rated",
    "invoiced",
    "difference",
    "currency",
    "hash",
)


def export(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="ratings, usage or statements.")],
    format_: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    start: Annotated[str | None, typer.Option("--from", help="Periods or windows from this instant on.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Periods or windows before this instant.")] = None,
    subscription: Annotated[str | None, typer.Option(help="Only this subscription.")] = None,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file, instead of the standard output.")
    ] = None,
) -> None:
    """Write ratings, usage records or statements to a file."""
    session = session_of(context)
    exports = {"ratings": (RATINGS, _ratings), "usage": (USAGE, _usage), "statements": (STATEMENTS, _statements)}
    if what not in exports:
        raise UsageFailure(f"WHAT: must be ratings, usage or statements, not {what!r}")
    if format_ not in {"csv", "parquet"}:
        raise UsageFailure(f"--format: must be csv or parquet, not {format_!r}")
    if format_ == "parquet" and file is None:
        raise UsageFailure("--output: name a file for Parquet")
    for option, text in (("--from", start), ("--to", end)):
        _check_instant(option, text)
    columns, read = exports[what]
    with session.client() as client:
        rows = read(client, subscription, start, end)
        count = _write(rows, columns, file, is_parquet=format_ == "parquet")
    if file is not None:
        output.show_text(f"{count} rows in {file}")


def _check_instant(option: str, text: str | None) -> None:
    try:
        is_right = text is None or instant(text).utcoffset() is not None
    except ValueError:
        is_right = False
    if not is_right:
        raise UsageFailure(f"{option}: must be an instant with an offset, such as 2026-11-01T00:00:00Z")


def _ratings(client: Client, subscription: str | None, start: str | None, end: str | None) -> Iterator[Row]:
    if subscription is None:
        if start is None or end is None:
            raise UsageFailure("--from, --to: name both: the ratings of periods that end in between are exported")
        yield from (dict(rating.raw) for rating in client.ratings.list(period_end_from=start, period_end_to=end))
        return
    name = client.subscriptions.get(subscription).customer_name
    for rating in client.subscriptions.ratings(subscription):
        if rating.period_end is not None and _is_within(rating.period_end, start, end):
            yield {"customer_name": name, **rating.raw}


def _is_within(at: Any, start: str | None, end: str | None) -> bool:
    return (start is None or instant(start) <= at) and (end is None or at < instant(end))


def _subscriptions(client: Client, subscription: str | None) -> Iterator[str]:
    if subscription is not None:
        yield subscription
    else:
        yield from (found.id for found in client.subscriptions.list())


def _usage(client: Client, subscription: str | None, start: str | None, end: str | None) -> Iterator[Row]:
    since, until = (instant(text) if text else None for text in (start, end))
    metrics = [metric.code for metric in client.metrics.list()]
    for id_ in _subscriptions(client, subscription):
        for metric in metrics:
            for record in client.usage.list(id_, metric, start=since, end=until):
                yield {"subscription": id_, "metric": metric, **record.raw}


def _statements(client: Client, subscription: str | None, start: str | None, end: str | None) -> Iterator[Row]:
    for id_ in _subscriptions(client, subscription):
        for statement in client.subscriptions.statements(id_):
            if _is_within(statement.period_end, start, end):
                for line in statement.raw.get("lines", ()):
                    yield {**statement.raw, **line}


def _write(rows: Iterator[Row], columns: Sequence[str], file: Path | None, *, is_parquet: bool) -> int:
    if file is None:
        return _write_csv(rows, columns, sys.stdout)
    new = file.with_name(f".{file.name}.new")  # a file that is there is whole
    try:
        if is_parquet:
            count = _write_parquet(rows, columns, new)
        else:
            with new.open("w", newline="") as out:
                count = _write_csv(rows, columns, out)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return count


def _write_csv(rows: Iterator[Row], columns: Sequence[str], out: IO[str]) -> int:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        count += 1
        writer.writerow([_text(row.get(column)) for column in columns])
    return count


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _text(value: Any) -> str:
    """Return a cell that a spreadsheet takes for a value, and never for a formula of a customer's."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return ";".join(f"{name}={item}" for name, item in sorted(value.items()))
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _write_parquet(rows: Iterator[Row], columns: Sequence[str], file: Path) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise Failure("pyarrow is not installed: pip install 'fusion-billing-client[parquet]'") from None
    numbers = {"units", "included_units", "billable_units", "amount", "quantity", "rated", "invoiced", "difference"}
    integers = {"revision"}
    listed = list(rows)
    values: dict[str, Any] = {}
    for column in columns:
        found = [row.get(column) for row in listed]
        if column in numbers:
            decimals = [None if value is None else Decimal(str(value)) for value in found]
            values[column] = pa.array(decimals, pa.decimal256(76, 37))
        elif column in integers:
            values[column] = pa.array(found, pa.int64())
        else:
            values[column] = pa.array([None if value is None else _plain(value) for value in found], pa.string())
    parquet.write_table(pa.table(values), file)
    return len(listed)


def _plain(value: Any) -> str:
    return ";".join(f"{name}={item}" for name, item in sorted(value.items())) if isinstance(value, dict) else str(value)
