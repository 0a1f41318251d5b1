"""Lines to Odoo: how close the relay comes to what its calls to a slow Odoo allow.

The stand-in, in a process of its own, takes as long for each call as a real Odoo 19 took: 1.55 s for a load
of a hundred lines. What the calls allow is their own time, as many at a time as there were, without a gap.
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fusion_billing.billing.decisions import NewVersion
from fusion_billing.billing.ratings import RatingKey, candidate
from fusion_billing.odoo.client import Odoo, connect
from fusion_billing.odoo.keys import Credentials, KeyRing
from fusion_billing.odoo.precision import Cached
from fusion_billing.odoo.protocol import Wire
from fusion_billing.store.circuit import Circuit
from fusion_billing.store.leases import Leases
from fusion_billing.store.lines import LineStore
from fusion_billing.store.ratings import RatingsStore, Save
from fusion_billing.webhooks.outbox import NOTHING
from tests.bench.harness import Figure, Progress
from tests.bench.world import START, World, engine

_LINES, _FULL_LINES = 1_600, 10_000
_LINES_AN_ORDER = 2
_LANES = 8
_BOUND = 1.1
_KEY = "bench-key"


def run(*, full: bool) -> list[Figure]:
    """Measure a run over many due lines, and one in which nothing changed."""
    count = _FULL_LINES if full else _LINES
    progress = Progress("lines", 3)
    with engine() as url, _odoo() as at:
        world = World(url)
        _load(world, at, count)
        progress.step(f"{count:,} lines are due")
        timed = _Timed()
        relay = _relay(world, at, timed)
        began = time.monotonic()
        tally = relay.run()
        took = time.monotonic() - began
        assert tally["sent"] == count, f"{tally.as_dict()} of {count}"
        progress.step(f"sent by {len(timed.made)} calls in {took:.1f} s")
        allowed, before = timed.allowed, len(timed.made)
        assert not any(relay.run().as_dict().values()), "nothing is due any more"
        calls = len(timed.made) - before
        progress.step("and once more, with nothing due")
    return [
        Figure(
            "lines",
            f"{count:,} due lines",
            took / allowed,
            "ms",
            took / count * 1000,
            "its calls without a gap",
            allowed / count * 1000,
            _BOUND if full else None,  # each lane's beginning weighs on a short run, and on no long one
        ),
        Figure("lines", "lines a second", count / took, "", count / took),
        Figure("lines", "calls to Odoo while nothing is due", float(calls), "", float(calls), bound=0),
    ]


@dataclass
class _Timed:
    """A wire that notes how long each call took, and which thread it kept busy."""

    wire: Wire | None = None
    made: list[tuple[int, float]] = field(default_factory=list)

    def call(
        self, credentials: Credentials, model: str, method: str, arguments: Mapping[str, Any], seconds: float
    ) -> Any:
        assert self.wire is not None
        began = time.monotonic()
        try:
            return self.wire.call(credentials, model, method, arguments, seconds)
        finally:
            self.made.append((threading.get_ident(), time.monotonic() - began))

    @property
    def allowed(self) -> float:
        """What the calls allow, in seconds: all of them, as many at a time as there were, without a gap."""
        callers = {caller for caller, _ in self.made}
        return sum(took for _, took in self.made) / len(callers)


class _Silent:
    """An outbox to which nobody listens."""

    nothing = NOTHING

    def prepare(self, *_: object, **__: object) -> Any:
        return NOTHING

    def nudge(self, prepared: object) -> None:
        """Do nothing."""


def _relay(world: World, at: str, timed: _Timed) -> Any:
    from functions.relay.lines import LineRelay  # noqa: PLC0415  it reads the environment

    secret = json.dumps({"keys": [_KEY], "login": "relay"})
    keys = KeyRing(lambda: secret, time.monotonic)
    odoo: Odoo = connect(url=at, database="demo", protocol="json2", keys=keys)
    timed.wire, odoo._wire = odoo._wire, timed
    return LineRelay(
        store=LineStore(world.client, world.tables.ratings),
        leases=Leases(world.client, world.tables.state, uuid.uuid4().hex),
        circuit=Circuit(world.client, world.tables.state),
        odoo=odoo,
        precision=Cached(time.monotonic),
        events=_Silent(),
        rerate=lambda _: None,
        lanes=_LANES,
        mode="period",
        clock=lambda: datetime.now(UTC),
        pause=time.sleep,
        random=random.random,
        remaining=lambda: 900.0,
    )


def _load(world: World, at: str, count: int) -> None:
    """Store due lines, and have the orders they are for in Odoo."""
    orders = range(1, count // _LINES_AN_ORDER + 1)
    _control(at, "seed", {"records": {"product.product": [{"id": 7, "name": "API calls"}]}})
    _control(at, "seed", {"records": {"res.partner": [{"id": 6, "name": "A customer"}]}})
    _control(at, "seed", {"records": {"sale.subscription.plan": [{"id": 1, "name": "Pro"}]}})
    _control(at, "seed", {"records": {"sale.order": [_order(number) for number in orders]}})
    _control(at, "add_user", {"login": "relay", "role": "all_documents"})
    _control(at, "add_key", {"login": "relay", "key": _KEY})
    _control(at, "pace", {})
    now = datetime.now(UTC)
    saves = [
        Save(_due(order, f"charge_{number}"), None, order)
        for order in orders
        for number in range(_LINES_AN_ORDER)
    ]
    store = RatingsStore(world.client, world.tables.ratings, lanes=_LANES)
    assert not any(store.save_many(saves, now=now))


def _due(order: int, charge: str) -> NewVersion:
    doc = {
        "charge": charge,
        "charge_name": "API calls",
        "metric": "api_calls",
        "plan": "Pro",
        "odoo_order_id": order,
        "odoo_product_id": 7,
        "timezone": "UTC",
        "period_start": "2026-11-01T00:00:00Z",
        "period_end": "2026-12-01T00:00:00Z",
        "currency": "USD",
        "units": "1250",
        "included_units": "1000",
        "overage_units": "250",
        "amount": "1.00",
        "steps": [{"units": "250", "unit_amount": "0.004", "amount": "1"}],
    }
    return NewVersion(candidate(RatingKey(str(order), START, charge), doc), 1, "due", frozenset())


def _order(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "partner_id": 6,
        "user_id": 2,
        "state": "sale",
        "is_subscription": True,
        "subscription_state": "3_progress",
        "plan_id": 1,
        "start_date": "2026-10-01",
        "next_invoice_date": "2026-12-01",
    }


@contextmanager
def _odoo() -> Iterator[str]:
    """Run the stand-in in a process of its own; yields its URL."""
    with tempfile.TemporaryDirectory() as folder:
        state = str(Path(folder) / "odoo.sqlite")
        command = [sys.executable, "-m", "local.odoo", "--port", "0", "--state", state]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split(": ", 1)[1].split(",")[0]
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def _control(at: str, name: str, arguments: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{at}/stand-in/{name}", json.dumps(arguments).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
