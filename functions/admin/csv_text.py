"""Lists as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from fusion_billing.catalog.identifiers import DECIMAL

MEDIA_TYPE = "text/csv"
BYTE_ORDER_MARK = "\ufeff"
"""At the start of a file, it makes Excel read UTF-8."""


_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet read a cell as a formula, full-width forms included."""


def csv_text(columns: Sequence[str], rows: Iterable[object], *, mark: bool = False) -> str:
    """Return rows as CSV with a header line.

    Args:
        columns: The fields of a row, in their order; `line.id` is the field `id` of the object `line`.
        rows: JSON objects. Null and missing fields are empty cells.
        mark: Whether to begin with a byte order mark.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(_field(row, column)) for column in columns] for row in rows)
    return f"{BYTE_ORDER_MARK if mark else ''}{written.getvalue()}"


def _field(row: object, column: str) -> object:
    value = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    is_formula = text.startswith(_STARTS_FORMULA) and not DECIMAL.fullmatch(text)
    return f"'{text}" if is_formula else text
