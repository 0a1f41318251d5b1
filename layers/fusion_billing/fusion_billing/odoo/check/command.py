"""`python -m fusion_billing.odoo.check`: looks an Odoo over and says in plain words what is not right.

It looks at the products of all charges where CATALOGUE_TABLE names the stack's catalogue table (with AWS
credentials that may read it), and at those named. It creates, changes and removes nothing, unless
`--write-test` or `--try-on` asks for it. The key is taken from ODOO_API_KEY (or asked for), never from an
argument: arguments are for all to see.

Ends with 0 where nothing is wrong, 1 where something is, 2 where Odoo could not be asked.
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
from fusion_billing.dynamodb.catalog.definitions import CatalogueStore
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

_MARKS = {"well": "  ok    ", "look": "  LOOK  ", "wrong": "  WRONG "}

_ADVICE = {
    "odoo_key_rejected": "Make an API key for the technical user (Preferences, Account Security). "
    "For JSON-RPC and XML-RPC, set ODOO_LOGIN too",
    "odoo_wrong_database": "Set ODOO_DATABASE to the database's name, and ODOO_PROTOCOL to jsonrpc or xmlrpc "
    "where this is Odoo 17 or 18",
    "odoo_misaddressed": "Set ODOO_URL to Odoo's own address, https and all, without a path",
    "odoo_down": "See whether Odoo runs, and whether this machine may reach it",
    "odoo_no_rights": "Give the key's user the right 'Sales: User: All Documents'",
}
_NO_LOGIN = "Set ODOO_LOGIN (or --login) to the technical user's login: JSON-RPC and XML-RPC need it"
_AGAIN = "Try again in a moment; if it stays so, look at Odoo's log, and at the proxy's before it"


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, print, and return the command's status."""
    options = _options(arguments)
    if not options.url:
        _say("Set ODOO_URL (or --url) to Odoo's address.")
        return 2
    key = os.environ.get("ODOO_API_KEY") or _asked()
    if not key:
        _say("Set ODOO_API_KEY to an API key of the technical user.")
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
        _show(Finding("wrong", "ODOO_API_KEY holds no key", "Set ODOO_API_KEY to the key alone"), findings)
    except OdooError as error:
        status = 1 if isinstance(error, PermanentError) else 2
        advice = _NO_LOGIN if error.name == "login" else _ADVICE.get(error.code, _AGAIN)
        _show(Finding("wrong", f"Odoo could not be asked: {error.message}", advice), findings)
    _conclude(findings)
    return status or int(any(finding.level == "wrong" for finding in findings))


def _looked_at(options: argparse.Namespace, findings: list[Finding]) -> list[ChargedProduct]:
    """Return the products of all charges, and those named besides."""
    named = [ChargedProduct(product) for product in options.product]
    if not options.catalogue_table:
        return named
    try:
        charges = CatalogueStore(client.dynamodb(), options.catalogue_table).charges()
    except (FusionError, BotoCoreError, ClientError) as error:
        advice = "Name the stack's CATALOGUE_TABLE, with AWS credentials that may read it"
        _show(Finding("wrong", f"The charges could not be read: {error}", advice), findings)
        return named
    found = charged_products(charges)
    count = len({one.id for one in found})
    _show(Finding("well", f"{len(charges)} charges bill by {count} products"), findings)
    return [*found, *(one for one in named if one.id not in {other.id for other in found})]


def _worth_writing(odoo: Odoo, products: Sequence[ChargedProduct]) -> list[ChargedProduct]:
    """Return the products that nothing speaks against: a line of any other may start what can't be undone."""
    return [one for one in products if all(finding.level != "wrong" for finding in product_findings(odoo, one))]


def _asked() -> str:
    """Return the key that somebody types; none where nobody sits there."""
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
        "--catalogue-table",
        default=os.environ.get("CATALOGUE_TABLE", ""),
        help="the stack's catalogue table, whose charges' products are looked at (CATALOGUE_TABLE)",
    )
    parser.add_argument(
        "--write-test",
        action="store_true",
        default=os.environ.get("ODOO_WRITE_TEST", "") not in ("", "0"),
        help="write a line of each product onto an order of the test's own, change it, read it back, take it "
        "to 0, and clean up (ODOO_WRITE_TEST=1)",
    )
    parser.add_argument(
        "--try-on",
        type=int,
        metavar="ORDER",
        help="put a line of quantity 0 onto this order, to see that it can be done; it stays there",
    )
    options = parser.parse_args(arguments)
    try:
        options.product = [*options.product, *_products()]
    except ValueError:
        parser.error("ODOO_PRODUCTS must be ids of products, parted by commas: 7,8")
    return options


def _products() -> list[int]:
    return [int(one) for one in os.environ.get("ODOO_PRODUCTS", "").split(",") if one.strip()]


def _secret(key: str, login: str) -> str:
    if not login or key.lstrip().startswith("{"):
        return key
    escaped = key.strip().replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"keys": ["{escaped}"], "login": "{login}"}}'


def _tried(odoo: Odoo, order: int, products: Sequence[int]) -> Finding:
    if not products:
        return Finding("look", "No line was tried: no product was named", "Name one: --product 7")
    line = OrderLine(
        external_id=f"fusion_billing.check--{order}",
        order=order,
        product=products[0],
        quantity=Decimal(0),
        price=Decimal(0),
        name="Fusion Billing was here to see whether it can write lines",
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
        return Finding("well", f"A line of quantity 0 was written onto order {order} and read back")
    return _not_tried(order, outcome.error)


def _not_tried(order: int, error: OdooError) -> Finding:
    return Finding(
        "wrong",
        f"No line can be put onto order {order}: {error.message.splitlines()[0]}",
        f"See in Odoo why it refuses order {order}, or try another order that is confirmed and not locked",
    )


def _show(finding: Finding, findings: list[Finding]) -> None:
    findings.append(finding)
    _say(_MARKS[finding.level] + finding.text)


def _conclude(findings: Sequence[Finding]) -> None:
    advice = list(dict.fromkeys(finding.advice for finding in findings if finding.advice))
    _say("")
    if not advice:
        _say("All is as it must be.")
        return
    _say("What to do:")
    for number, one in enumerate(advice, 1):
        _say(f"  {number}. {one}.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
