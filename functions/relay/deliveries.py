"""Due deliveries to endpoints: one run of the relay.

Endpoints are served in turn (`webhooks.fair_scheduler`), each attempt on its own thread. The claims of a run
that is killed expire: a minute later they are due again, under the same `webhook-id`.
"""

import math
import random
import secrets
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from functions.relay.delivery_attempt import LEASE, Opens, Posts, Tried, Tries
from fusion_billing.application.outbox import Outbox
from fusion_billing.dynamodb.state.endpoint_leases import EndpointLeases
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore, Due
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore
from fusion_billing.dynamodb.webhooks.outbox import WakeUps
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.fair_scheduler import FairScheduler

THREADS = 32
MOST_A_RUN = 200
"""Deliveries that one endpoint may have of one run; for more of them another run is asked for."""

LAST_START_SECONDS = 25.0
"""Nothing is begun with less time than this: a try takes 15 seconds at most, and is then stored."""

TURN = timedelta(seconds=60)
"""How long a nudged run has an endpoint for itself at most."""

_FANNED_OUT_A_RUN = 100
_FOR_EVER = timedelta(days=365)
_DISABLED = "the endpoint is disabled"
_SOON, _SOON_STEP, _STEP = 60.0, 1, 10  # seconds: how finely retries are woken for
_ERROR_SECONDS = 5.0  # what an error of our own takes of an endpoint's patience

logger = Logger(child=True)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a run works with; `functions.relay.delivery_dependencies` makes the real one."""

    endpoints: EndpointStore
    deliveries: DeliveryStore
    events: EventStore
    secrets: Opens
    sender: Posts
    outbox: Outbox
    wake_ups: WakeUps
    endpoint_leases: EndpointLeases
    random: Callable[[], float] = random.random
    threads: int = THREADS
    most_a_run: int = MOST_A_RUN
    last_start_seconds: float = LAST_START_SECONDS


@dataclass(slots=True)
class DeliveryCounts:
    """What a run did.

    `oldest_due_seconds` is how long overdue the oldest delivery was when the run began, those of endpoints
    that only fail left out: it tells how late the relay is, not how ill a receiver. `errors` counts those
    that could not be tried for reasons of our own.
    """

    delivered: int = 0
    retried: int = 0
    failed: int = 0
    errors: int = 0
    oldest_due_seconds: float = 0.0


def run(
    dependencies: Dependencies,
    now: Callable[[], datetime],
    deadline: Callable[[], float],
    endpoint: str | Collection[str] | None = None,
) -> DeliveryCounts:
    """Send what is due, to the endpoints named or to all, until there is nothing or time is short.

    `deadline` gives the seconds left. Never raises for what an endpoint does. What is not begun in time stays
    due. An endpoint that is named, since it was nudged for, is served by one such run at a time.
    """
    named = [endpoint] if isinstance(endpoint, str) else endpoint
    begun = _Run(dependencies, now, deadline)
    if named is None:
        begun.scheduled()
    else:
        begun.nudged(named)
    return begun.counts


class _Run:
    def __init__(self, dependencies: Dependencies, now: Callable[[], datetime], deadline: Callable[[], float]) -> None:
        self._with = dependencies
        self._now = now
        self._deadline = deadline
        self.counts = DeliveryCounts()
        self._token = secrets.token_hex(8)
        self._until: datetime | None = None
        self._backlogged: set[str] = set()
        self._woken: set[tuple[str, int]] = set()
        self._to_wake: list[tuple[str, int]] = []

    def scheduled(self) -> None:
        """Serve every endpoint."""
        endpoints = self._with.endpoints.all()
        self._fan_out(endpoints)
        self._send(endpoints, endpoints)

    def nudged(self, names: Collection[str]) -> None:
        """Serve those of `names` that no other nudged run is serving."""
        endpoints = self._with.endpoints.all()
        woken = self._fan_out(endpoints) - set(names)
        self._with.wake_ups.after((name, 0) for name in sorted(woken))
        began = self._now()
        self._until = began + TURN
        taken: list[Endpoint] = []
        try:
            taken.extend(one for one in endpoints if one.id in names and self._takes(one.id, began))
            self._send(endpoints, taken)
        finally:
            again = [one.id for one in taken if self._with.endpoint_leases.give_back(one.id, token=self._token)]
            self._with.wake_ups.after((name, 0) for name in again)

    def _takes(self, name: str, began: datetime) -> bool:
        return self._with.endpoint_leases.take(name, token=self._token, now=began, until=began + TURN)

    def _send(self, endpoints: list[Endpoint], served: list[Endpoint]) -> None:
        tries = Tries(
            endpoints=self._with.endpoints,
            deliveries=self._with.deliveries,
            events=self._with.events,
            secrets=self._with.secrets,
            sender=self._with.sender,
            outbox=self._with.outbox,
            all_endpoints=endpoints,
            now=self._now,
            random=self._with.random,
            token=self._token,
        )
        with ThreadPoolExecutor(self._with.threads, thread_name_prefix="deliveries") as pool:
            found = self._find(pool, served)
            self._serve(pool, tries, {one.id: one for one in served}, found)
        self._with.wake_ups.after((name, 0) for name in sorted(self._backlogged))

    def _fan_out(self, endpoints: list[Endpoint]) -> set[str]:
        """Write the deliveries of events with many listeners; return whom they are for."""
        woken: set[str] = set()
        for event_id in self._with.events.to_fan_out(_FANNED_OUT_A_RUN):
            if self._late():
                break
            woken.update(self._with.events.fan_out(event_id, endpoints))
        return woken

    def _find(self, pool: ThreadPoolExecutor, endpoints: list[Endpoint]) -> dict[str, list[Due]]:
        """Return what is due, by endpoint; fail what is due for those that are disabled."""
        began = self._now()

        def look(endpoint: Endpoint) -> list[Due]:
            until = began if endpoint.enabled else began + _FOR_EVER
            return self._with.deliveries.due(endpoint.id, until, limit=self._with.most_a_run)

        found: dict[str, list[Due]] = {}
        for endpoint, due in zip(endpoints, pool.map(look, endpoints), strict=True):
            if not endpoint.enabled:
                self._fail(due)
                continue
            found[endpoint.id] = due
            if due and endpoint.failing_since is None:
                late = (began - due[0].due).total_seconds()
                self.counts.oldest_due_seconds = max(self.counts.oldest_due_seconds, late)
            if len(due) == self._with.most_a_run and endpoint.starts_relay(began):
                self._backlogged.add(endpoint.id)
        return found

    def _serve(
        self,
        pool: ThreadPoolExecutor,
        tries: Tries,
        endpoints: dict[str, Endpoint],
        found: dict[str, list[Due]],
    ) -> None:
        failing = [name for name in found if endpoints[name].failing_since is not None]
        scheduler = FairScheduler(found, failing=failing)
        running: dict[Future[Tried], str] = {}
        while True:
            while len(running) < self._with.threads and not self._late() and (taken := scheduler.take()):
                name, due = taken
                running[pool.submit(tries.attempt, endpoints[name], due)] = name
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                tried = self._result(future, name)
                if not scheduler.done(name, ok=tried.ok, seconds=tried.seconds):
                    self._backlogged.discard(name)
                if tried.disabled:
                    scheduler.drop(name)
                    self._backlogged.discard(name)
                    until = self._now() + _FOR_EVER
                    self._fail(self._with.deliveries.due(name, until, limit=self._with.most_a_run))
            self._wake()

    def _result(self, future: Future[Tried], name: str) -> Tried:
        try:
            tried = future.result()
        except Exception as error:  # noqa: BLE001  one delivery that can't be tried must not cost the others
            # The claim runs out, and it is tried again. The message may quote an answer: its kind is enough.
            logger.error(  # noqa: TRY400
                "a delivery could not be tried", endpoint=name, error=type(error).__name__
            )
            self.counts.errors += 1
            return Tried("skipped", ok=False, seconds=_ERROR_SECONDS)
        self.counts.delivered += tried.outcome == "delivered"
        self.counts.retried += tried.outcome == "retried"
        self.counts.failed += tried.outcome == "failed"
        if tried.again is not None:
            self._ask_for(name, tried.again)
        return tried

    def _ask_for(self, name: str, due: datetime) -> None:
        """Have the relay woken for an endpoint when a retry is due; retries of one moment share a nudge."""
        now = self._now().timestamp()
        step = _SOON_STEP if due.timestamp() - now < _SOON else _STEP
        at = math.ceil(due.timestamp() / step) * step
        if (name, at) not in self._woken:
            self._woken.add((name, at))
            self._to_wake.append((name, max(0, math.ceil(at - now))))

    def _wake(self) -> None:
        if self._to_wake:
            self._with.wake_ups.after(self._to_wake)
            self._to_wake = []

    def _fail(self, due: list[Due]) -> None:
        now = self._now()
        for one in due:
            if self._late():
                return
            if now < one.due <= now + LEASE:
                continue  # perhaps being tried: the next run sees what came of it
            self.counts.failed += self._with.deliveries.fail(one, reason=_DISABLED)

    def _late(self) -> bool:
        left = self._deadline()
        if self._until is not None:
            left = min(left, (self._until - self._now()).total_seconds())
        return left < self._with.last_start_seconds
