"""Each fact has one place: identifier patterns, key formats, Odoo's states, pauses, clients of AWS."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
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


def loops_of(tree: ast.Module) -> Iterator[ast.For | ast.While]:
    """Yield the loops of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.While):
            yield node


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


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("UnprocessedKeys", "fusion_billing.dynamodb.batch_reads"),
        ("LastEvaluatedKey", "fusion_billing.dynamodb.query_pages"),
    ],
)
def test_pages_and_batches_are_read_to_their_end_in_one_place(field: str, place: str) -> None:
    """A store may return one page and where the next one starts, but it follows no pages itself."""
    loops = [(name, loop) for name, tree in MODULES.items() if name != place for loop in loops_of(tree)]

    assert [name for name, loop in loops if field in ast.unparse(loop)] == []


LIMITS: dict[int | timedelta, dict[str, str]] = {
    100: {
        "fusion_billing.catalog.identifiers": "faults of a response, the usual page, and limits of definitions",
        "fusion_billing.dynamodb.attributes": "writes of a transaction",
        "fusion_billing.dynamodb.batch_reads": "reads of a call",
        "fusion_billing.dynamodb.ratings.repartitioning": "line partitions; lines of a page",
        "fusion_billing.dynamodb.usage.items": "revisions of a usage record",
        "fusion_billing.dynamodb.usage.selection": "usage records of a query",
        "fusion_billing.odoo.subscriptions": "orders of a chain that one page reads",
        "fusion_billing.odoo_lines.taxes": "a percentage's whole",
        "functions.admin.routes.statements": "statements of a page",
        "functions.admin.services.charged_subscriptions": "subscriptions of a page",
        "functions.admin.services.deliveries": "deliveries of a page",
        "functions.admin.services.reconcile": "subscriptions of a page",
        "functions.rate.worker": "pairs of a message",
        "functions.relay.batches": "lines of a call of Odoo",
        "functions.relay.deliveries": "events that a run fans out",
        "functions.relay.guard_run": "subscriptions of a page",
        "functions.relay.invoices": "invoices read at once",
    },
    256: {
        "fusion_billing.catalog.identifiers": "characters of names, keys, members, properties, reasons, descriptions",
        "fusion_billing.http.problem": "characters of a field's name in a response",
        "fusion_billing.outbound.webhook_sender": "stored bytes of a receiver's response",
        "functions.admin.services.lines": "characters of a key in a cursor",
    },
    500: {
        "fusion_billing.catalog.identifiers": "records of a batch, items of a page, endpoints of a source",
        "fusion_billing.dynamodb.errors": "an HTTP status",
        "fusion_billing.dynamodb.markers.changed_pairs": "pairs of a page",
        "fusion_billing.http.problem": "an HTTP status",
        "fusion_billing.odoo.error_classification": "an HTTP status",
        "fusion_billing.odoo.errors": "characters of Odoo's message",
        "fusion_billing.odoo.line_copies": "lines whose creation is read at once",
        "fusion_billing.odoo.order_line_reading": "lines read at once",
        "functions.admin.services.deliveries": "deliveries that one call replays",
        "functions.rate.ports": "pairs of a page",
        "functions.relay.final_invoices": "final invoices looked for in a run",
    },
    10_000: {
        "fusion_billing.billing.groups": "groups of a rating",
        "fusion_billing.catalog.identifiers": "records compared with an app's",
        "fusion_billing.dynamodb.catalog.targets": "remembered subscriptions",
        "fusion_billing.dynamodb.webhooks.endpoint_secrets": "remembered secrets",
    },
    350_000: {"fusion_billing.catalog.identifiers": "bytes of a stored value"},
    4 * 1024 * 1024: {"fusion_billing.catalog.identifiers": "bytes of a request"},
    4_000_000: {"fusion_billing.catalog.identifiers": "bytes of a list in a response"},
    timedelta(days=14): {
        "fusion_billing.catalog.identifiers": "how long change markers live",
        "functions.rate.end_announcer": "how late an end is announced",
    },
    timedelta(days=30): {
        "fusion_billing.webhooks.delivery_result": "how long deliveries and attempts are stored",
        "functions.admin.services.overview": "how soon a key that is shown expires",
    },
    timedelta(days=90): {
        "fusion_billing.dynamodb.webhooks.events": "how long events are stored",
        "functions.admin.routes.audit": "entries of the audit log that are listed by default",
    },
}
"""A value of a limit -> the modules that may write it, and what each limits with it.

A module that needs one of these limits imports it. Only a limit of something else is added here."""

NO_LIMITS = ("fusion_billing.error_codes", "functions.admin.services.openapi", "functions.admin.route_table")
"""Modules whose numbers are HTTP statuses, examples and descriptions."""


def limits(tree: ast.Module) -> Iterator[int | timedelta]:
    """Yield the integers and the numbers of days that a module writes, but no amounts (`Decimal(100)`)."""
    amounts = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Decimal"
        for argument in node.args
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Name(id="timedelta"),
                keywords=[ast.keyword(arg="days", value=ast.Constant(value=int() as days))],
            ):
                yield timedelta(days=days)
            case ast.Constant(value=int() as value) if type(value) is int and id(node) not in amounts:
                yield value
            case ast.BinOp() if (product := constant_product(node)) is not None:
                yield product


def constant_product(node: ast.expr) -> int | None:
    """Return the value of `4 * 1024 * 1024`; None for anything else."""
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            one, other = constant_product(left), constant_product(right)
            return None if one is None or other is None else one * other
    return None


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_a_limit_is_written_once(limit: int | timedelta) -> None:
    found = {name for name, tree in MODULES.items() if not name.startswith(NO_LIMITS) and limit in set(limits(tree))}

    assert found == set(LIMITS[limit])


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("if len(records) > 500: ...", 500),
        ("def page(limit: int = 100): ...", 100),
        ("_KEPT = timedelta(days=14)", timedelta(days=14)),
        ("MAX_BODY: Final = 4 * 1024 * 1024", 4 * 1024 * 1024),
    ],
)
def test_a_limit_that_is_written_is_found(source: str, limit: int | timedelta) -> None:
    assert limit in set(limits(ast.parse(source)))
    assert 500 not in set(limits(ast.parse("_HALF = Decimal(500)")))


def test_leases_have_one_place() -> None:
    writers = [name for name, tree in MODULES.items() if "keys.lease_key" in ast.unparse(tree)]
    defined = [
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and {"take", "renew", "give_back"} <= methods(node) and not is_port(node)
    ]

    assert writers == ["fusion_billing.dynamodb.state.leases"]
    assert defined == ["fusion_billing.dynamodb.state.leases"]


def methods(node: ast.ClassDef) -> set[str]:
    return {child.name for child in node.body if isinstance(child, ast.FunctionDef)}


def is_port(node: ast.ClassDef) -> bool:
    return "Protocol" in {ast.unparse(base) for base in node.bases}


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
