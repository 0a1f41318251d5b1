"""Print results: tables for people, JSON for programs."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fusion_billing_client.decoding import Model
from fusion_billing_client.encoding import encode, instant_text

NUMBERS = frozenset({"units", "included", "overage", "amount", "before", "after", "difference", "records", "attempts"})


def console() -> Console:
    """Return the console of the standard output."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty(), emoji=False)


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Return what JSON can hold: a model as the service sent it."""
    if isinstance(value, Model):
        return value.raw
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return encode(value)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print a table; a line that says so if it is empty."""
    listed = [[cell(value) for value in row] for row in rows]
    if not listed:
        show_text(f"{title}: none" if title else "None")
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        is_number = column in NUMBERS
        table.add_column(column, justify="right" if is_number else "left", no_wrap=not sys.stdout.isatty())
    for row in listed:
        table.add_row(*(Text(value) for value in row))
    wide = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 400)
    if sys.stdout.isatty():
        wide.print(table)
    else:
        _print_trimmed(wide, table)


def _print_trimmed(wide: Console, table: Table) -> None:
    with wide.capture() as captured:
        wide.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def show_text(text: str) -> None:
    """Print a line."""
    console().print(escape(text))


def cell(value: Any) -> str:
    """Return a value as a cell shows it: without control characters of a customer's text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value)
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value))
