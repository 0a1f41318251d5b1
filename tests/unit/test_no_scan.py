"""Test that nothing scans a table: no call does, and no role allows it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers" / "fusion_billing").rglob("*.py")])

_SCAN = re.compile(r"""\.scan\(|["'](?:scan|Scan)["']|\bget_paginator\(["']scan""")
# A PartiQL statement that reads scans wherever its condition names no whole key, so that there is none.
_SELECT = re.compile(r"""["']\s*SELECT\s""", re.IGNORECASE)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_no_module_scans_a_table(source: Path) -> None:
    text = source.read_text(encoding="utf-8")

    assert not _SCAN.search(text)
    assert not _SELECT.search(text)


def test_no_role_allows_a_scan_or_everything() -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")

    assert "dynamodb:Query" in template
    assert not re.search(r"dynamodb:(\*|Scan|PartiQLSelect)", template)
    assert not re.search(r"DynamoDB(Crud|Read|Write)\w*Policy", template)
