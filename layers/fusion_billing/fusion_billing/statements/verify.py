"""Verify statements offline: `python -m fusion_billing.statements.verify FILE …`.

A file contains a response of `GET /v1/subscriptions/{id}/statements` (`{"items": [...]}`), a list of statements, or
one statement per line. Only the files are read. Prints one line per finding. The exit status is 0 if every statement
is valid, 1 if any is not, 2 if a file can't be read.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion_billing.statements.chain import findings


class UnreadableFile(ValueError):
    """The file contains no statements."""


def read(text: str) -> list[Mapping[str, object]]:
    """Return the statements in a file's text; raises `UnreadableFile`."""
    try:
        documents = [json.loads(text)]
    except ValueError:
        documents = _lines(text)
    statements: list[Any] = []
    for document in documents:
        if isinstance(document, dict) and "items" in document:
            statements += document["items"]
        else:
            statements += document if isinstance(document, list) else [document]
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise UnreadableFile("contains no statements")
    return statements


def _lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise UnreadableFile("is not JSON") from None


def main(arguments: Sequence[str]) -> int:
    """Verify the files named; return the exit status."""
    if not arguments:
        print("usage: python -m fusion_billing.statements.verify FILE ...", file=sys.stderr)  # noqa: T201
        return 2
    statements: list[Mapping[str, object]] = []
    for name in arguments:
        try:
            statements += read(Path(name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, UnreadableFile) as error:
            print(f"{name}: {error}", file=sys.stderr)  # noqa: T201
            return 2
    found = findings(statements)
    for finding in found:
        about = f"{finding.subscription} {finding.period_start}"
        print(f"{about}: {finding.code}: {finding.message}")  # noqa: T201
    if not found:
        summary = "1 statement is valid" if len(statements) == 1 else f"{len(statements)} statements are valid"
        print(summary)  # noqa: T201
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
