"""Patterns and limits are written once, and cost a cold start nothing."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fusion_billing.catalog.identifiers import CODE, DATE, ID_RULE, SUBSCRIPTION_ID, is_subscription_id

ROOT = Path(__file__).parents[3]
ALIKE_BY_CHANCE = {r"\d{1,9}"}


def compiled_patterns() -> list[str]:
    """Return the pattern of every `re.compile` in the package and the functions."""
    return [
        node.args[0].value
        for folder in ("layers/fusion_billing/fusion_billing", "functions")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "re.compile"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def test_no_pattern_is_written_twice() -> None:
    counts = Counter(compiled_patterns())

    assert len(counts) > 15
    assert [pattern for pattern, count in counts.items() if count > 1 and pattern not in ALIKE_BY_CHANCE] == []


def test_importing_them_loads_neither_pydantic_nor_other_modules() -> None:
    script = (
        "import sys, fusion_billing.catalog.identifiers\n"
        "print(*sorted(name for name in sys.modules if name.startswith(('pydantic', 'fusion_billing'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert loaded == ["fusion_billing", "fusion_billing.catalog", "fusion_billing.catalog.identifiers"]


@pytest.mark.parametrize("text", ["4", "a" * 64, "SO-12.3:x_"])
def test_what_a_subscription_id_may_be(text: str) -> None:
    assert is_subscription_id(text)


@pytest.mark.parametrize("text", ["", "a" * 65, "a b", "ä", "a/b", "a\n", "٣"])
def test_what_a_subscription_id_may_not_be(text: str) -> None:
    assert not is_subscription_id(text)
    assert "A-Z, a-z, 0-9" in ID_RULE


def test_codes_are_lower_case() -> None:
    assert CODE.fullmatch("api_calls-2.x")
    assert CODE.fullmatch("a" * 64)
    assert not any(map(CODE.fullmatch, ("", "API", "a:b", "a" * 65)))


def test_a_date_is_ten_ascii_characters() -> None:
    assert DATE.fullmatch("2026-11-30")
    assert not any(map(DATE.fullmatch, ("2026-11-3", "2026-11-30T", "٢٠٢٦-11-30")))


def test_the_subscription_pattern_is_the_one_the_docs_name() -> None:
    assert SUBSCRIPTION_ID.pattern == "[A-Za-z0-9._:-]{1,64}"
