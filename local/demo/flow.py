"""The demo's steps, as an operator and an app take them: catalog, counters, rating, relay, results."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from local.demo import catalog, expected, usage
from local.demo.calls import Odoo, Service, Unexpected
from local.demo.expected import Row
from local.demo.table import Outcome
from local.receiver import Receiver

EVENTS = ("rating.updated", "line.upserted")
DATABASE = "demo"

_RATING_SECONDS = 120.0
_RELAY_SECONDS = 90.0
_WEBHOOK_SECONDS = 60.0
_PRODUCTS = {charge: what["odoo_product_id"] for charge, what in catalog.CHARGES.items()}


def put_catalog(service: Service, today: date) -> list[str]:
    """Define the metrics, the charges and the subscriptions that are not there; return those that were changed since.

    What somebody changed stays as it is, so that a second start does not undo it.
    """
    changed = []
    for path, definition in _definitions(today):
        found = service.find(path)
        if found is None:
            service.call("PUT", path, definition)
        elif not _holds(found, definition):
            changed.append(path.removeprefix("/v1/").replace("/", " ", 1))
    return changed


def _holds(found: Any, defined: Any) -> bool:
    """Return whether what the service has says the same as the demo's definition: `0.010` is `0.01`."""
    if isinstance(defined, dict):
        return isinstance(found, dict) and all(_holds(found.get(name), value) for name, value in defined.items())
    if isinstance(defined, list):
        return len(found) == len(defined) and all(map(_holds, found, defined))
    return bool(found == defined or _number(found) == _number(defined) is not None)


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _definitions(today: date) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, definitions in (
        ("metrics", catalog.METRICS),
        ("charges", catalog.CHARGES),
        ("subscriptions", catalog.subscriptions(today)),
    ):
        yield from ((f"/v1/{kind}/{name}", definition) for name, definition in definitions.items())


def push(service: Service, today: date) -> Counter[str]:
    """Push the counters: each subscription's counters, all again, one alone, the corrections, the late ones.

    Returns how many records had which outcome; raises `Unexpected` where that is not what it must be,
    on a fresh start or on one with what was kept.
    """
    outcomes: Counter[str] = Counter()
    counters = list(usage.counters(today).values())
    for records in [*counters, [r for batch in counters for r in batch]]:
        outcomes += _push(service, records)
    alone = usage.single(today)
    key = alone.pop("idempotency_key")
    outcomes[service.call("POST", "/v1/usage", alone, {"Idempotency-Key": key})["outcome"]] += 1
    outcomes += _push(service, usage.corrections(today))
    outcomes += _push(service, usage.late(today))
    if outcomes not in (Counter(expected.FIRST_OUTCOMES), Counter(expected.LATER_OUTCOMES)):
        raise Unexpected(f"the pushes ended otherwise than they must: {dict(outcomes)}")
    return outcomes


def rate(service: Service, today: date) -> None:
    """Have everything rated that changed, as the hourly schedule does, and wait for it."""
    service.call("POST", "/v1/ratings/run", {})
    _until(lambda: expected.FIGURES.keys() <= ratings(service, today).keys(), _RATING_SECONDS)


def relay(run_relay: Callable[[], None], odoo: Odoo, key: str) -> None:
    """Send the due lines, as the two-minute schedule does, until all of them are in Odoo."""

    _until(_relayed(lambda: expected.FIGURES.keys() <= lines(odoo, key).keys(), run_relay), _RELAY_SECONDS)


def await_webhooks(run_relay: Callable[[], None], receiver: Receiver) -> None:
    """Wait until the receiver got the events of every rating and every line."""

    def reported() -> bool:
        received = webhooks(receiver)
        return all(set(EVENTS) <= set(received.get(row, ())) for row in expected.FIGURES)

    _until(_relayed(reported, run_relay), _WEBHOOK_SECONDS)


def add_up(service: Service) -> None:
    """Have the amounts of the overview added up, so that the console shows all of them at once."""
    _until(lambda: service.call("GET", "/v1/overview")["amounts_calculated_at"] is not None, _RATING_SECONDS)


def look(service: Service, odoo: Odoo, key: str, receiver: Receiver, today: date) -> Outcome:
    """Return what came out: the service's ratings, the lines as Odoo has them, the webhooks."""
    in_odoo = lines(odoo, key)
    rows = {}
    for (subscription, charge), rating in ratings(service, today).items():
        line = in_odoo.get((subscription, charge), {})
        rows[subscription, charge] = Row(
            subscription=subscription,
            charge=charge,
            period_start=rating["period_start"],
            period_end=rating["period_end"],
            units=Decimal(rating["units"]),
            included=Decimal(rating["included_units"]),
            overage=Decimal(rating["overage_units"]),
            amount=Decimal(rating["amount"]),
            quantity=Decimal(str(line.get("product_uom_qty", "NaN"))),
            price=Decimal(str(line.get("price_unit", "NaN"))),
            subtotal=Decimal(str(line.get("price_subtotal", "NaN"))),
        )
    return Outcome(rows, webhooks(receiver), receiver.refused)


def ratings(service: Service, today: date) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the ratings of the demo's subscriptions, by subscription and charge."""
    found = {}
    for row in expected.rows(today):
        path = f"/v1/subscriptions/{row.subscription}/ratings?period_start={row.period_start}"
        for rating in service.call("GET", path)["items"]:
            found[row.subscription, rating["charge"]] = rating
    return found


def lines(odoo: Odoo, key: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the lines that Odoo has of the demo's orders, by subscription and charge.

    Of several of a charge it is the first, which the demo made: later periods follow it. Raises
    `Unexpected` for two lines of one charge and period.
    """
    orders = [subscription["odoo_order_id"] for subscription in catalog.SUBSCRIPTIONS.values()]
    fields = ["order_id", "product_id", "product_uom_qty", "price_unit", "price_subtotal", "name"]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    names: set[tuple[str, str]] = set()
    listed = odoo.search_read("sale.order.line", [["order_id", "in", orders]], fields, key, DATABASE)
    for line in sorted(listed, key=lambda line: int(line["id"])):
        subscription = str(line["order_id"][0])
        charges = {charge for owner, charge in expected.FIGURES if owner == subscription}
        charge = next((charge for charge in charges if _PRODUCTS[charge] == line["product_id"][0]), None)
        if charge is None:  # of a charge that somebody added to the demo
            continue
        name = str(line["name"]).partition("\n")[0]
        if line["product_uom_qty"] and (subscription, name) in names:
            raise Unexpected(f"subscription {subscription} has more than one line of {charge} in Odoo")
        names.add((subscription, name))
        found.setdefault((subscription, charge), line)
    return found


def webhooks(receiver: Receiver) -> dict[tuple[str, str], list[str]]:
    """Return the types of the verified webhooks, by subscription and charge."""
    received: dict[tuple[str, str], list[str]] = {}
    for message in receiver.received():
        about = (str(message.data.get("subscription")), str(message.data.get("charge")))
        received.setdefault(about, []).append(message.type)
    return received


def _push(service: Service, records: list[dict[str, Any]]) -> Counter[str]:
    return Counter(service.call("POST", "/v1/usage", {"records": records})["summary"])


def _relayed(done: Callable[[], bool], run_relay: Callable[[], None]) -> Callable[[], bool]:
    """Return a check that runs the relay if `done` is not so yet, and looks again."""

    def check() -> bool:
        if done():
            return True
        run_relay()
        return done()

    return check


def _until(done: Callable[[], bool], seconds: float) -> None:
    """Wait until `done`, at most `seconds`: what is missing then, the table shows."""
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(0.5)
