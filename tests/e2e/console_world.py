"""What browser tests do to the demo first: a subscription of their own, so that they change nothing that others read.

It has late usage of an ended period, which is billed as an adjustment, and a charge whose product Odoo doesn't have, so
that its line fails.
"""

import re
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local.demo import catalog
from local.run import Running
from tests.browser.visitor import SCREENSHOTS, Stack

SUBSCRIPTION, CUSTOMER = "4201", 'Müller & <b onclick="alert(1)">Söhne</b>'
EXPORTS, REPORTS = "exports", "reports"
"""Metrics, and charges of the same name. The product of the first is not in Odoo."""
PRODUCTS = {EXPORTS: 711, REPORTS: catalog.API_CALLS_PRODUCT}
ZONE = "Europe/Berlin"
_SECONDS = 90.0


def build(running: Running) -> Stack:
    """Play it, and return the stack as browsers see it: at the address and with the key that `make run` prints."""
    _define(running)
    _push(running)
    call = running.service.call
    call("POST", "/v1/ratings/run", {})
    found = _wait(lambda: ratings(running), lambda rated: len(rated) == 4)
    _wait(lambda: _failed_after(running), bool)
    [adjustment] = [rating for rating in found if "corrects" in rating]
    explained = call("GET", f"/v1/subscriptions/{catalog.MONTHLY}/ratings?limit=1")["items"][0]
    return Stack(
        url=_printed(r"Console +(\S+)/console\n", running),
        keys={"admin": _printed(r"Key +(\S+)", running)},
        endpoint=running.endpoint,
        portal_token=call("POST", "/v1/portal-tokens", {"subscription": catalog.MONTHLY, "expires_in": 3600})["token"],
        places={"rating": place_of(explained), "adjustment": place_of(adjustment), "source": _source(running)},
        timeout_seconds=120.0,  # a browser asks for six files at once: the local cloud starts a function for each
        folder=SCREENSHOTS / "make-run",
    )


def place_of(rating: dict[str, Any]) -> str:
    """Return where the console explains a rating, below `#/why/`."""
    corrects = f"@{rating['corrects']['period_start']}" if "corrects" in rating else ""
    return f"{rating['subscription']}/{rating['charge']}{corrects}?period_start={rating['period_start']}"


def run_relay_until(running: Running, done: Callable[[], bool]) -> None:
    """Run the relay as its schedule does, until something is so."""

    def look() -> bool:
        if not done():
            running.run_relay()
        return done()

    _wait(look, bool)


def _printed(pattern: str, running: Running) -> str:
    match = re.search(pattern, running.guide())
    assert match is not None
    return match[1]


def _define(running: Running) -> None:
    call = running.service.call
    shown = {**catalog.subscriptions(running.today)[catalog.MONTHLY], "customer_name": CUSTOMER}
    subscription = {**shown, "odoo_order_id": int(SUBSCRIPTION), "name": f"S0{SUBSCRIPTION}"}
    records = catalog.odoo_records({SUBSCRIPTION: subscription})
    [order] = records["sale.order"]
    customer = {"id": 251, "name": CUSTOMER}
    running.odoo.control("seed", records={"res.partner": [customer], "sale.order": [order | {"partner_id": 251}]})
    for code, product in PRODUCTS.items():
        call("PUT", f"/v1/metrics/{code}", {"name": code.title(), "unit": code, "aggregation": "sum"})
        charge = {
            "name": code.title(),
            "metric": code,
            "applies_to": {"subscriptions": [SUBSCRIPTION]},
            "currency": "USD",
            "odoo_product_id": product,
            "included_units": "100",
            "model": {"type": "per_unit", "unit_amount": "0.25"},
        }
        call("PUT", f"/v1/charges/{code}", charge)
    call("PUT", f"/v1/subscriptions/{SUBSCRIPTION}", subscription)


def _push(running: Running) -> None:
    """Push five days of the open period, and one of the period before it."""
    days = first_days(running)
    records = [record(metric, day, "400") for metric in ("api_calls", *PRODUCTS) for day in days]
    late = record("api_calls", days[0] - timedelta(days=9), "3000")
    running.service.call("POST", "/v1/usage", {"records": [*records, late]})


def first_days(running: Running) -> list[date]:
    """Return the days of the open period that have usage."""
    opens_on = catalog.dates(catalog.MONTHLY, running.today).opens_on
    return [opens_on + timedelta(days=number) for number in range(5)]


def record(metric: str, day: date, quantity: str) -> dict[str, Any]:
    """Return the usage of a day."""
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE))
    return {
        "idempotency_key": f"tests:{metric}:{day}",
        "subscription": SUBSCRIPTION,
        "metric": metric,
        "period_start": start.isoformat(),
        "period_end": (start + timedelta(days=1)).isoformat(),
        "quantity": quantity,
        "sequence": 1,
    }


def ratings(running: Running) -> list[dict[str, Any]]:
    """Return the ratings of the subscription."""
    return list(running.service.call("GET", f"/v1/subscriptions/{SUBSCRIPTION}/ratings")["items"])


def _failed_after(running: Running) -> list[dict[str, Any]]:
    """Run the relay, and return the lines that failed."""
    running.run_relay()
    return list(running.service.call("GET", "/v1/lines?state=failed")["items"])


def _source(running: Running) -> str:
    return str(running.service.call("GET", "/v1/sources")["items"][0]["id"])


def _wait(look: Callable[[], Any], is_good: Callable[[Any], bool]) -> Any:
    until = time.monotonic() + _SECONDS
    while not is_good(found := look()):
        assert time.monotonic() < until, found
        time.sleep(0.5)
    return found
