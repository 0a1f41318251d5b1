"""Due deliveries to endpoints: one run of the relay.

Endpoints are served in turn (`webhooks.fair_scheduler`), each attempt on its own thread. The claims of a run
that is killed expire: a minute later they are due again, under the same `webhook-id`.
"""

import random
import secrets
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from functions.relay.delivery_attempt import LEASE, AttemptResult, Attempts, Opens, Posts
from functions.relay.delivery_ports import (
    DeliveryEvents,
    DueDeliveries,
    EndpointEventPublisher,
    EndpointHealth,
    EndpointLeases,
)
from functions.relay.retry_wake_ups import RetryWakeUps, SendsWakeUps
from fusion_billing.dynamodb.webhooks.deliveries import Due
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.fair_scheduler import FairScheduler

THREADS = 32
MAX_PER_ENDPOINT = 200
"""Deliveries to one endpoint in one run; if more are due, the relay requests another run."""

LAST_START_SECONDS = 25.0
"""No attempt starts with less time left: an attempt takes 15 seconds at most, and is then stored."""

ENDPOINT_LEASE = timedelta(seconds=60)
"""How long a run that was woken for an endpoint leases it at most."""

_FANNED_OUT_A_RUN = 100
_FOR_EVER = timedelta(days=365)
_DISABLED = "the endpoint is disabled"
_ERROR_SECONDS = 5.0  # counted against an endpoint for an error of the service itself

logger = Logger(child=True)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The dependencies of a run; `functions.relay.delivery_dependencies` builds them for production."""

    endpoints: EndpointHealth
    deliveries: DueDeliveries
    events: DeliveryEvents
    secrets: Opens
    sender: Posts
    outbox: EndpointEventPublisher
    wake_ups: SendsWakeUps
    endpoint_leases: EndpointLeases
    random: Callable[[], float] = random.random
    threads: int = THREADS
    most_a_run: int = MAX_PER_ENDPOINT
    last_start_seconds: float = LAST_START_SECONDS


@dataclass(slots=True)
class DeliveryCounts:
    """The counts of a run.

    Attributes:
        errors: Deliveries without an attempt because of an error of the service itself.
        oldest_due_seconds: How long overdue the oldest delivery was when the run started. Endpoints that only
            fail do not count: the number says how late the relay is, not how a receiver behaves.
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
    """Send due deliveries until none is left or the time is up.

    Never raises for what an endpoint does. Deliveries without an attempt stay due.

    Args:
        deadline: Returns the seconds that are left.
        endpoint: The endpoints that the run was woken for, each served by one such run at a time. None for all.
    """
    named = [endpoint] if isinstance(endpoint, str) else endpoint
    delivery_run = _DeliveryRun(dependencies, now, deadline)
    if named is None:
        delivery_run.serve_all()
    else:
        delivery_run.serve(named)
    return delivery_run.counts


class _DeliveryRun:
    def __init__(self, dependencies: Dependencies, now: Callable[[], datetime], deadline: Callable[[], float]) -> None:
        self._with = dependencies
        self._now = now
        self._deadline = deadline
        self.counts = DeliveryCounts()
        self._token = secrets.token_hex(8)
        self._until: datetime | None = None
        self._backlogged: set[str] = set()
        self._retries = RetryWakeUps(dependencies.wake_ups)

    def serve_all(self) -> None:
        """Serve every endpoint."""
        endpoints = self._with.endpoints.all()
        self._fan_out(endpoints)
        self._send(endpoints, endpoints)

    def serve(self, names: Collection[str]) -> None:
        """Serve those of `names` that no other run that was woken for them is serving."""
        endpoints = self._with.endpoints.all()
        woken = self._fan_out(endpoints) - set(names)
        self._with.wake_ups.after((name, 0) for name in sorted(woken))
        started_at = self._now()
        self._until = started_at + ENDPOINT_LEASE
        taken: list[Endpoint] = []
        try:
            taken.extend(
                endpoint for endpoint in endpoints if endpoint.id in names and self._takes(endpoint.id, started_at)
            )
            self._send(endpoints, taken)
        finally:
            again = [
                endpoint.id
                for endpoint in taken
                if self._with.endpoint_leases.give_back(endpoint.id, token=self._token)
            ]
            self._with.wake_ups.after((name, 0) for name in again)

    def _takes(self, name: str, started_at: datetime) -> bool:
        return self._with.endpoint_leases.take(
            name, token=self._token, now=started_at, until=started_at + ENDPOINT_LEASE
        )

    def _send(self, endpoints: list[Endpoint], served: list[Endpoint]) -> None:
        attempts = Attempts(
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
            self._serve(pool, attempts, {endpoint.id: endpoint for endpoint in served}, found)
        self._with.wake_ups.after((name, 0) for name in sorted(self._backlogged))

    def _fan_out(self, endpoints: list[Endpoint]) -> set[str]:
        """Write the deliveries of events with many endpoints; return the endpoints to serve."""
        woken: set[str] = set()
        for event_id in self._with.events.to_fan_out(_FANNED_OUT_A_RUN):
            if self._late():
                break
            woken.update(self._with.events.fan_out(event_id, endpoints))
        return woken

    def _find(self, pool: ThreadPoolExecutor, endpoints: list[Endpoint]) -> dict[str, list[Due]]:
        """Return what is due, by endpoint; fail what is due for those that are disabled."""
        started_at = self._now()

        def look(endpoint: Endpoint) -> list[Due]:
            until = started_at if endpoint.enabled else started_at + _FOR_EVER
            return self._with.deliveries.due(endpoint.id, until, limit=self._with.most_a_run)

        found: dict[str, list[Due]] = {}
        for endpoint, due in zip(endpoints, pool.map(look, endpoints), strict=True):
            if not endpoint.enabled:
                self._fail(due)
                continue
            found[endpoint.id] = due
            if due and endpoint.failing_since is None:
                late = (started_at - due[0].due).total_seconds()
                self.counts.oldest_due_seconds = max(self.counts.oldest_due_seconds, late)
            if len(due) == self._with.most_a_run and endpoint.starts_relay(started_at):
                self._backlogged.add(endpoint.id)
        return found

    def _serve(
        self,
        pool: ThreadPoolExecutor,
        attempts: Attempts,
        endpoints: dict[str, Endpoint],
        found: dict[str, list[Due]],
    ) -> None:
        failing = [name for name in found if endpoints[name].failing_since is not None]
        scheduler = FairScheduler(found, failing=failing)
        running: dict[Future[AttemptResult], str] = {}
        while True:
            while len(running) < self._with.threads and not self._late() and (taken := scheduler.take()):
                name, due = taken
                running[pool.submit(attempts.attempt, endpoints[name], due)] = name
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                result = self._result(future, name)
                if not scheduler.done(name, ok=result.ok, seconds=result.seconds):
                    self._backlogged.discard(name)
                if result.disabled:
                    scheduler.drop(name)
                    self._backlogged.discard(name)
                    until = self._now() + _FOR_EVER
                    self._fail(self._with.deliveries.due(name, until, limit=self._with.most_a_run))
            self._retries.send()

    def _result(self, future: Future[AttemptResult], name: str) -> AttemptResult:
        try:
            result = future.result()
        except Exception as error:  # noqa: BLE001  one delivery that can't be attempted must not stop the others
            # The claim expires, and the delivery is retried. The message may quote a response, so log the type only.
            logger.error(  # noqa: TRY400
                "delivery could not be attempted", endpoint=name, error=type(error).__name__
            )
            self.counts.errors += 1
            return AttemptResult("skipped", ok=False, seconds=_ERROR_SECONDS)
        self.counts.delivered += result.outcome == "delivered"
        self.counts.retried += result.outcome == "retried"
        self.counts.failed += result.outcome == "failed"
        if result.again is not None:
            self._retries.request(name, result.again, self._now())
        return result

    def _fail(self, due: list[Due]) -> None:
        now = self._now()
        for delivery in due:
            if self._late():
                return
            if now < delivery.due <= now + LEASE:
                continue  # may be claimed by an attempt: the next run sees its result
            self.counts.failed += self._with.deliveries.fail(delivery, reason=_DISABLED)

    def _late(self) -> bool:
        left = self._deadline()
        if self._until is not None:
            left = min(left, (self._until - self._now()).total_seconds())
        return left < self._with.last_start_seconds
