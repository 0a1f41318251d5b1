"""Measure lines to Odoo: how close the relay comes to what its calls to a slow Odoo allow.

The stand-in runs in a process of its own, and takes as long for each call as a real Odoo 19: 1.55 s for a load of a
hundred lines. The floor is the time of the calls, as many at once as there were, without a gap.
"""

import json
import random
import statistics
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
from fusion_billing.billing.rating import RatingKey, computed_rating
from fusion_billing.dynamodb.ratings.billed_lines import BilledLines
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.state.circuit_breaker import CircuitBreaker
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.odoo.client import Odoo, connect
from fusion_billing.odoo.keys import Credentials, KeyRing
from fusion_billing.odoo.precision import Cached
from fusion_billing.odoo.protocols.wire import Wire
from fusion_billing.webhooks.publishing import NOTHING
from tests.bench.harness import Figure, Progress, repeated_ratio
from tests.bench.world import START, World, engine
from tests.rating_documents import document

_LINES, _FULL_LINES = 1_600, 10_000
_LINES_AN_ORDER = 2
_LANES = 8
_ROUNDS = 3
_BOUND = 1.1
_KEY = "bench-key"


def run(*, full: bool) -> list[Figure]:
    """Measure runs over many due lines, and runs in which nothing changed."""
    count = _FULL_LINES if full else _LINES
    progress = Progress("lines", _ROUNDS)
    with engine() as url:
        rounds = [_round(url, count, progress) for _ in range(_ROUNDS)]
    return [
        repeated_ratio(
            "lines",
            f"a line, {count:,} due",
            "ms",
            [(one.took / count * 1000, one.allowed / count * 1000) for one in rounds],
            counterpart="its calls without a gap",
            bound=_BOUND if full else None,  # each partition's beginning weighs on a short run, and on no long one
        ),
        _plain("lines a second", statistics.median(count / one.took for one in rounds)),
        _plain("calls to Odoo while nothing is due", max(one.calls_for_nothing for one in rounds), bound=0),
    ]


@dataclass(frozen=True, slots=True)
class _Round:
    """The seconds of a run and of its calls, and the number of calls of a run with nothing to send."""

    took: float
    allowed: float
    calls_for_nothing: int


def _round(url: str, count: int, progress: Progress) -> _Round:
    """Send everything that is due to an Odoo of its own, and run once more."""
    with _odoo() as at:
        world, timed = World(url), _Timed()
        _load(world, at, count)
        relay = _relay(world, at, timed)
        began = time.monotonic()
        statistics = relay.run()
        took = time.monotonic() - began
        assert statistics["sent"] == count, f"{statistics.as_dict()} of {count}"
        allowed, before = timed.allowed, len(timed.made)
        assert not any(relay.run().as_dict().values()), "nothing is due any more"
        progress.step(f"{count:,} lines sent by {before} calls in {took:.1f} s, and nothing by the next run")
        return _Round(took, allowed, len(timed.made) - before)


def _plain(name: str, value: float, bound: float | None = None) -> Figure:
    return Figure("lines", name, float(value), "", float(value), bound=bound)


@dataclass
class _Timed:
    """A transport that records the duration and the thread of each call."""

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
        """Return the seconds that the calls allow: all of them, as many at once as there were, without a gap."""
        callers = {caller for caller, _ in self.made}
        return sum(took for _, took in self.made) / len(callers)


class _Silent:
    """An outbox without endpoints."""

    nothing = NOTHING

    def prepare(self, *_: object, **__: object) -> Any:
        return NOTHING

    def wake_up(self, prepared: object) -> None:
        """Do nothing."""


def _relay(world: World, at: str, timed: _Timed) -> Any:
    from functions.relay.line_dependencies import RelayDependencies  # noqa: PLC0415  it reads the environment
    from functions.relay.line_relay import LineRelay  # noqa: PLC0415

    secret = json.dumps({"keys": [_KEY], "login": "relay"})
    keys = KeyRing(lambda: secret, time.monotonic)
    odoo: Odoo = connect(url=at, database="demo", protocol="json2", keys=keys)
    timed.wire, odoo._wire = odoo._wire, timed
    dependencies = RelayDependencies(
        store=BilledLines(world.client, world.tables.ratings),
        leases=Leases(world.client, world.tables.state, uuid.uuid4().hex),
        circuit=CircuitBreaker(world.client, world.tables.state),
        odoo=odoo,
        precision=Cached(time.monotonic),
        events=_Silent(),
        rerate=lambda _: None,
        line_partitions=_LANES,
        clock=lambda: datetime.now(UTC),
        pause=time.sleep,
        random=random.random,
        remaining=lambda: 900.0,
    )
    return LineRelay(dependencies)


def _load(world: World, at: str, count: int) -> None:
    """Store due lines, and create their orders in Odoo."""
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
        Save(_due(order, f"charge_{number}"), None, order) for order in orders for number in range(_LINES_AN_ORDER)
    ]
    store = RatingsStore(world.client, world.tables.ratings, line_partitions=_LANES)
    assert not any(store.save_many(saves, now=now))


def _due(order: int, charge: str) -> NewVersion:
    rated = document(charge=charge, odoo_order_id=order)
    return NewVersion(computed_rating(RatingKey(str(order), START, charge), rated), 1, "due", frozenset())


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
