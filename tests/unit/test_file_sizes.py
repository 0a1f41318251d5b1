"""A source file is about one thing, and fits a few screens."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 300
FILES = sorted(
    str(path.relative_to(ROOT)) for folder in ("layers", "functions", "local") for path in (ROOT / folder).rglob("*.py")
)
EXCEPTIONS = {"layers/fusion_billing/fusion_billing/error_codes.py": "one list: every error code, once"}
"""File -> why it is longer."""


@pytest.mark.parametrize("file", FILES)
def test_a_source_file_has_at_most_300_lines(file: str) -> None:
    is_long = len((ROOT / file).read_text().splitlines()) > MOST_LINES

    assert not is_long or file in EXCEPTIONS


def test_source_files_are_found() -> None:
    assert "functions/admin/ports.py" in FILES
    assert set(EXCEPTIONS) <= set(FILES)
