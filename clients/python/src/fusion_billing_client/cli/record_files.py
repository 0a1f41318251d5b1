"""Read usage records from CSV and NDJSON files, and check them before anything is sent."""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, Final, Literal

from fusion_billing_client.cli.failures import Failure
from fusion_billing_client.decoding import instant

Format = Literal["csv", "ndjson"]

REQUIRED: Final = ("subscription", "metric", "period_start", "period_end", "quantity")
OPTIONAL: Final = ("idempotency_key", "sequence", "member", "source")
_TARGET: Final = ("subscription", "metric", "period_start", "period_end", "member", "properties")


@dataclass(frozen=True)
class Line:
    """One record of a file, with the number of its line; `faults` are what is wrong with it."""

    number: int
    record: dict[str, Any]
    faults: tuple[str, ...] = field(default=())

    def derived_key(self) -> str:
        """Return a key made of what is counted: the same for the same window in every run."""
        target = json.dumps({name: self.record.get(name) for name in _TARGET}, sort_keys=True)
        return f"push:{hashlib.sha256(target.encode()).hexdigest()[:40]}"


def format_of(path: Path) -> Format | None:
    """Return the format that a file's name tells, None if it tells none."""
    formats: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
    return formats.get(path.suffix.lower())


def read(file: IO[str], format_: Format) -> Iterator[Line]:
    """Yield the records of a file; raises `Failure` if it can't be read as what it should be."""
    return _read_csv(file) if format_ == "csv" else _read_ndjson(file)


def _read_csv(file: IO[str]) -> Iterator[Line]:
    reader = csv.DictReader(file, strict=True)
    try:
        columns = reader.fieldnames or []
        unknown = [
            name for name in columns if name not in (*REQUIRED, *OPTIONAL) and not name.startswith("properties.")
        ]
        missing = [name for name in REQUIRED if name not in columns]
        if missing:
            raise Failure(f"line 1: the column {missing[0]} is missing. Name the columns in the first line")
        if unknown:
            raise Failure(
                f"line 1: {unknown[0]!r} is not a column of usage records. Name properties properties.NAME, "
                f"others are {', '.join((*REQUIRED, *OPTIONAL))}"
            )
        for row in reader:
            yield _checked(reader.line_num, _of_row(row))
    except csv.Error as error:
        raise Failure(f"line {reader.line_num + 1}: is not valid CSV ({error})") from None
    except UnicodeDecodeError:
        raise Failure(f"line {reader.line_num + 1}: is not UTF-8") from None


def _of_row(row: Mapping[str | None, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    properties = {}
    for name, value in row.items():
        if name is None:
            record["(more values than columns)"] = value
        elif name.startswith("properties."):
            if value:
                properties[name.removeprefix("properties.")] = value
        elif value not in {None, ""}:
            record[name] = value.strip()
    return {**record, "properties": properties} if properties else record


def _read_ndjson(file: IO[str]) -> Iterator[Line]:
    number = 0
    try:
        for number, text in enumerate(file, 1):
            if text.strip():
                try:
                    value = json.loads(text, parse_float=str, parse_int=str)
                except ValueError:
                    yield Line(number, {}, ("is not valid JSON",))
                    continue
                yield _checked(number, value) if isinstance(value, dict) else Line(number, {}, ("must be an object",))
    except UnicodeDecodeError:
        raise Failure(f"line {number + 1}: is not UTF-8") from None


def _checked(number: int, record: dict[str, Any]) -> Line:
    faults = [f"{name}: is required" for name in REQUIRED if record.get(name) in {None, ""}]
    known = {*REQUIRED, *OPTIONAL, "properties"}
    faults += [f"{name}: is not a field of a usage record" for name in record if name not in known]
    if record.get("quantity") not in {None, ""}:
        faults += _quantity_faults(str(record["quantity"]))
    times = {name: _instant(record.get(name)) for name in ("period_start", "period_end")}
    faults += [
        f"{name}: must be an instant with an offset, such as 2026-11-03T00:00:00Z"
        for name, value in times.items()
        if value is None and record.get(name)
    ]
    start, end = times["period_start"], times["period_end"]
    if start and end and end <= start:
        faults.append("period_end: must be later than period_start")
    return Line(number, record, tuple(faults))


def _quantity_faults(text: str) -> list[str]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return ["quantity: must be a decimal number"]
    if not number.is_finite() or number < 0:
        return ["quantity: must be a number that is not negative"]
    return []


def _instant(value: Any) -> datetime | None:
    try:
        found = instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.utcoffset() is not None else None
