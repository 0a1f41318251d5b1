"""`python -m fusion_billing.odoo.check`: check the set-up of an Odoo database, and report what to fix.

Checks the products of all charges if CATALOG_TABLE names the stack's catalog table (with AWS credentials that
may read it), and the products named on the command line. Changes nothing, except with `--write-test` or
`--try-on`. Reads the API key from ODOO_API_KEY or asks for it; it can't be an argument, because other users of the
machine can see arguments.

Exit status: 0 if there is no error, 1 if there is one, 2 if Odoo could not be checked.
"""

import argparse
import getpass
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.catalog.definitions import CatalogStore
from fusion_billing.errors import FusionError
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.check.checks import all_checks
from fusion_billing.odoo.check.finding import Finding
from fusion_billing.odoo.check.products import ChargedProduct, charged_products, product_findings
from fusion_billing.odoo.check.write_test import write_test
from fusion_billing.odoo.client import Odoo, connect
from fusion_billing.odoo.errors import OdooError, PermanentError
from fusion_billing.odoo.keys import KeyRing, UnreadableSecret
from fusion_billing.odoo.orders import check_orders
from fusion_billing.odoo.write_and_verify import RequestedLine, Writer, WrittenLine
from fusion_billing.odoo_lines.order_line import OrderLine

_MARKS = {"ok": "  ok      ", "warning": "  WARNING ", "error": "  ERROR   "}

_ADVICE = {
    "odoo_key_rejected": "Create an API key for the API user (Preferences, Account Security). "
    "For JSON-RPC and XML-RPC, set ODOO_LOGIN too",
    "odoo_wrong_database": "Set ODOO_DATABASE to the database's name, and ODOO_PROTOCOL to jsonrpc or xmlrpc "
    "for Odoo 17 or 18",
    "odoo_misaddressed": "Set ODOO_URL to the address of Odoo, with https:// and without a path",
    "odoo_down": "Check that Odoo is running and that this machine can reach it",
    "odoo_no_rights": "Give the API user the access right 'Sales: User: All Documents'",
}
_NO_LOGIN = "Set ODOO_LOGIN (or --login) to the API user's login; JSON-RPC and XML-RPC need it"
_AGAIN = "Try again in a moment. If it fails again, see the logs of Odoo and of the proxy in front of it"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks, print the findings, and return the exit status."""
    options = _options(arguments)
    if not options.url:
        _say("Set ODOO_URL (or --url) to Odoo's address.")
        return 2
    key = os.environ.get("ODOO_API_KEY") or _asked()
    if not key:
        _say("Set ODOO_API_KEY to an API key of the API user.")
        return 2
    odoo = connect(
        url=options.url,
        database=options.database,
        protocol=options.protocol,
        keys=KeyRing(lambda: _secret(key, options.login), time.monotonic),
    )
    _say(f"Odoo at {options.url}, database {options.database or '(its only one)'}, by {options.protocol}:")
    findings: list[Finding] = []
    status = 0
    try:
        products = _looked_at(options, findings)
        for finding in all_checks(odoo, products=products, now=datetime.now(UTC)):
            _show(finding, findings)
        if options.write_test:
            for finding in write_test(odoo, _worth_writing(odoo, products), time.sleep):
                _show(finding, findings)
        if options.try_on is not None:
            _show(_tried(odoo, options.try_on, options.product), findings)
    except UnreadableSecret:
        status = 2
        _show(
            Finding("error", "ODOO_API_KEY does not contain an API key", "Set ODOO_API_KEY to the API key only"),
            findings,
        )
    except OdooError as error:
        status = 1 if isinstance(error, PermanentError) else 2
        advice = _NO_LOGIN if error.name == "login" else _ADVICE.get(error.code, _AGAIN)
        _show(Finding("error", f"Odoo could not be checked: {error.message}", advice), findings)
    _conclude(findings)
    return status or int(any(finding.level == "error" for finding in findings))


def _looked_at(options: argparse.Namespace, findings: list[Finding]) -> list[ChargedProduct]:
    """Return the products of all charges, and those named besides."""
    named = [ChargedProduct(product) for product in options.product]
    if not options.catalog_table:
        return named
    try:
        charges = CatalogStore(client.dynamodb(), options.catalog_table).charges()
    except (FusionError, BotoCoreError, ClientError) as error:
        advice = "Name the stack's CATALOG_TABLE, with AWS credentials that may read it"
        _show(Finding("error", f"The charges could not be read: {error}", advice), findings)
        return named
    found = charged_products(charges)
    count = len({product.id for product in found})
    _show(Finding("ok", f"{len(charges)} charges use {count} products"), findings)
    return [*found, *(product for product in named if product.id not in {other.id for other in found})]


def _worth_writing(odoo: Odoo, products: Sequence[ChargedProduct]) -> list[ChargedProduct]:
    """Return the products that nothing speaks against: a line of any other may start what can't be undone."""
    return [
        product for product in products if all(finding.level != "error" for finding in product_findings(odoo, product))
    ]


def _asked() -> str:
    """Ask for the key; return an empty string if there is no terminal."""
    try:
        return getpass.getpass("Odoo API key: ") if sys.stdin.isatty() else ""
    except (EOFError, KeyboardInterrupt):
        return ""


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="odoo-check", description=__doc__)
    parser.add_argument("--url", default=os.environ.get("ODOO_URL", ""), help="Odoo's address (ODOO_URL)")
    parser.add_argument("--database", default=os.environ.get("ODOO_DATABASE", ""), help="(ODOO_DATABASE)")
    parser.add_argument(
        "--protocol",
        default=os.environ.get("ODOO_PROTOCOL") or "json2",
        choices=("json2", "jsonrpc", "xmlrpc"),
        help="(ODOO_PROTOCOL)",
    )
    parser.add_argument("--login", default=os.environ.get("ODOO_LOGIN", ""), help="(ODOO_LOGIN)")
    parser.add_argument("--product", type=int, action="append", default=[], help="a product's id (ODOO_PRODUCTS)")
    parser.add_argument(
        "--catalog-table",
        default=os.environ.get("CATALOG_TABLE", ""),
        help="the stack's catalog table; the products of its charges are checked (CATALOG_TABLE)",
    )
    parser.add_argument(
        "--write-test",
        action="store_true",
        default=os.environ.get("ODOO_WRITE_TEST", "") not in ("", "0"),
        help="write a line of each product to a test order, change it, verify it, set it to 0, "
        "and clean up (ODOO_WRITE_TEST=1)",
    )
    parser.add_argument(
        "--try-on",
        type=int,
        metavar="ORDER",
        help="add a line of quantity 0 to this order to check that it works; the line is not removed",
    )
    options = parser.parse_args(arguments)
    try:
        options.product = [*options.product, *_products()]
    except ValueError:
        parser.error("ODOO_PRODUCTS must be comma-separated product IDs, such as 7,8")
    return options


def _products() -> list[int]:
    return [int(id_) for id_ in os.environ.get("ODOO_PRODUCTS", "").split(",") if id_.strip()]


def _secret(key: str, login: str) -> str:
    if not login or key.lstrip().startswith("{"):
        return key
    escaped = key.strip().replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"keys": ["{escaped}"], "login": "{login}"}}'


def _tried(odoo: Odoo, order: int, products: Sequence[int]) -> Finding:
    if not products:
        return Finding("warning", "No line was written: name a product", "Name a product: --product 7")
    line = OrderLine(
        external_id=f"fusion_billing.check--{order}",
        order=order,
        product=products[0],
        quantity=Decimal(0),
        price=Decimal(0),
        name="Fusion Billing checked that it can write lines",
        amount=Decimal(0),
        digits=2,
        kind="nothing",
    )
    loader = Loader(odoo, lambda: odoo.seconds, time.sleep)
    _, faults = check_orders(odoo, [order], loader.seconds)
    if order in faults:
        return _not_tried(order, faults[order])
    [outcome] = Writer(odoo, loader).write([RequestedLine(line)], [None])
    if isinstance(outcome, WrittenLine):
        return Finding("ok", f"A line of quantity 0 was written to order {order} and verified")
    return _not_tried(order, outcome.error)


def _not_tried(order: int, error: OdooError) -> Finding:
    return Finding(
        "error",
        f"No line can be added to order {order}: {error.message.splitlines()[0]}",
        f"See in Odoo why it rejects lines on order {order}, or try another order that is confirmed and not locked",
    )


def _show(finding: Finding, findings: list[Finding]) -> None:
    findings.append(finding)
    _say(_MARKS[finding.level] + finding.text)


def _conclude(findings: Sequence[Finding]) -> None:
    advice = list(dict.fromkeys(finding.advice for finding in findings if finding.advice))
    _say("")
    if not advice:
        _say("Everything is set up correctly.")
        return
    _say("What to do:")
    for number, one in enumerate(advice, 1):
        _say(f"  {number}. {one}.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
