"""Each fact has one place: identifier patterns, key formats, Odoo's states, pauses, clients of AWS."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusion_billing.access import keys as access_keys
from fusion_billing.billing_periods import subscription_states
from fusion_billing.catalog import identifiers
from tests.unit.test_layering import circles, imported, modules

ROOT = Path(__file__).parents[2]
MODULES = {
    f"{prefix}{name}": tree
    for prefix, folder in (("fusion_billing.", "layers/fusion_billing/fusion_billing"), ("functions.", "functions"))
    for name, tree in modules(ROOT / folder)
}

PATTERNS = {
    "fusion_billing.catalog.identifiers": [
        identifiers.CODE.pattern,
        identifiers.SUBSCRIPTION_ID.pattern,
        identifiers.SHARD_POSITION.pattern,
    ],
    "fusion_billing.access.keys": [access_keys.ID_PATTERN.pattern],
}
"""Module -> the patterns that it alone writes."""

KEY_FORMAT = re.compile(r"[A-Z]+#.*")
STATE = re.compile(r"\b[1-7]_(draft|renewal|progress|paused|renewed|churn|upsell)\b")

COMPOSERS = ("handler", "dependencies")
"""Last words of the modules of functions that put adapters and clocks together."""


def strings(tree: ast.Module) -> Iterator[str]:
    """Yield the strings of a module, and the constant parts of its f-strings, but no docstrings."""
    expressions = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in expressions:
            yield node.value


def called(tree: ast.Module) -> Iterator[str]:
    """Yield the last word of each call's name, and the name of its object: `time.sleep`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ".".join(ast.unparse(node.func).split(".")[-2:])


@pytest.mark.parametrize("owner", PATTERNS)
def test_an_identifier_pattern_is_written_once(owner: str) -> None:
    found = [
        (name, pattern)
        for name, tree in MODULES.items()
        if name != owner
        for text in strings(tree)
        for pattern in PATTERNS[owner]
        if pattern in text
    ]

    assert PATTERNS[owner]
    assert found == []


def test_a_key_format_is_written_in_keys_alone() -> None:
    found = [
        (name, text)
        for name, tree in MODULES.items()
        if not name.startswith("fusion_billing.dynamodb.keys")
        for text in strings(tree)
        if KEY_FORMAT.fullmatch(text)
    ]

    assert found == []


def test_a_state_of_odoo_is_written_once() -> None:
    found = [
        (name, text)
        for name, tree in MODULES.items()
        if name != subscription_states.__name__
        for text in strings(tree)
        if STATE.search(text)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("calls", "place"),
    [
        ({"time.sleep", "random.random", "random.uniform"}, "fusion_billing.retry"),
        ({"send_message", "send_message_batch"}, "fusion_billing.messaging.queue"),
    ],
)
def test_pauses_and_messages_have_one_place(calls: set[str], place: str) -> None:
    found = [
        (name, call)
        for name, tree in MODULES.items()
        if name != place
        for call in called(tree)
        if call in calls or call.rpartition(".")[2] in calls
    ]

    assert found == []


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("functions.")])
def test_functions_know_no_client_of_aws(name: str) -> None:
    handled = [
        ast.unparse(node.type) for node in ast.walk(MODULES[name]) if isinstance(node, ast.ExceptHandler) and node.type
    ]

    assert [module for module in imported(MODULES[name]) if module.split(".")[0] in {"boto3", "botocore"}] == []
    assert [text for text in handled if ".exceptions." in text] == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in MODULES
        if name.startswith("fusion_billing.application")
        or (name.startswith("functions.") and not name.endswith(COMPOSERS))
    ],
)
def test_services_and_use_cases_never_look_at_the_clock(name: str) -> None:
    clocks = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "time.monotonic"}

    assert [call for call in called(MODULES[name]) if call in clocks] == []


def test_no_modules_of_a_function_import_each_other_in_a_circle() -> None:
    names = {name for name in MODULES if not any(other.startswith(f"{name}.") for other in MODULES)}
    graph = {
        name: (set(imported(ast.parse(ast.unparse(MODULES[name])), typing_too=False)) & names) - {name}
        for name in names
    }

    assert circles(graph) == []
