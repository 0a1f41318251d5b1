"""What the relay works with, made once a container from the environment.

What only one of its jobs needs is imported by the function that makes it, so that a start pays for its own
job: reading subscriptions validates them with pydantic, for one, a third of a start.
"""
# ruff: noqa: PLC0415

import random
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, cast

from aws_lambda_powertools import Logger, Metrics

from fusion_billing import settings
from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb import client
from fusion_billing.messaging.queue import Queue
from fusion_billing.messaging.rating_jobs import RatingJobs
from fusion_billing.odoo import configuration

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

    from functions.relay.batch_size import Pace
    from functions.relay.guard_run import GuardRun
    from functions.relay.line_relay import LineRelay
    from fusion_billing.application.outbox import Outbox
    from fusion_billing.application.save_subscription import SubscriptionWriter
    from fusion_billing.application.sync_subscriptions import SubscriptionSync
    from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
    from fusion_billing.odoo.client import Odoo
    from fusion_billing.odoo.precision import Cached
    from fusion_billing.odoo_lines.line_guard import LineGuard


@cache
def logger() -> Logger:
    """Return the log."""
    return Logger()


@cache
def metrics() -> Metrics:
    """Return the metrics, flushed by the handler at the end of each event."""
    return Metrics(namespace=settings.text("POWERTOOLS_METRICS_NAMESPACE", "FusionBilling"))


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the one DynamoDB client."""
    return client.dynamodb()


@cache
def sqs() -> "SQSClient":
    """Return the one SQS client."""
    made: SQSClient = client.make("sqs")
    return made


@cache
def outbox() -> "Outbox":
    """Return the outbox of events."""
    return build_outbox(
        dynamodb(),
        sqs(),
        table=settings.text("WEBHOOKS_TABLE"),
        queue_url=settings.text("RELAY_QUEUE_URL"),
    )


@cache
def rating_jobs() -> RatingJobs:
    """Return what asks rating to look again."""
    return RatingJobs(sqs(), settings.text("RATING_QUEUE_URL"))


@cache
def queue() -> Queue:
    """Return the relay's own queue."""
    return Queue(sqs(), settings.text("RELAY_QUEUE_URL"))


@cache
def odoo() -> "Odoo":
    """Return the client of Odoo."""
    return configuration.from_environment()


@cache
def _precision() -> "Cached":
    from fusion_billing.odoo.precision import Cached

    return Cached(time.monotonic)


@cache
def _pace() -> "Pace":
    from functions.relay.batch_size import Pace

    return Pace()


@cache
def _delivered() -> set[int]:
    return set()


def line_guard() -> "LineGuard":
    """Return the setting LINE_GUARD."""
    from fusion_billing.odoo_lines.line_guard import GUARDS

    chosen = settings.text("LINE_GUARD", "repair")
    if chosen not in GUARDS:
        raise settings.Missing(f"LINE_GUARD must be one of {', '.join(GUARDS)}, not {chosen!r}")
    return cast("LineGuard", chosen)


def guard_run(remaining: Callable[[], float]) -> "GuardRun":
    """Return what compares order lines with what was rated, for one run of `remaining()` seconds."""
    from functions.relay.guard_run import GuardRun
    from fusion_billing.dynamodb.catalog.definitions import CatalogStore
    from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
    from fusion_billing.dynamodb.ratings.guarded_lines import GuardedLines
    from fusion_billing.dynamodb.state.circuit_breaker import CircuitBreaker
    from fusion_billing.dynamodb.state.leases import Leases
    from fusion_billing.odoo.copy_guarding import CopyGuarding, products_of
    from fusion_billing.odoo.line_guarding import LineGuarding

    state, catalog = settings.text("STATE_TABLE"), settings.text("CATALOG_TABLE")
    subscriptions = SubscriptionStore(dynamodb(), catalog)
    guarding = LineGuarding(
        store=GuardedLines(dynamodb(), settings.text("RATINGS_TABLE")),
        odoo=odoo(),
        precision=lambda: _precision().of(odoo()),
        events=outbox(),
        line_partitions=settings.integer("LINE_PARTITIONS", 8),
        clock=now,
        seconds=lambda: max(1.0, min(odoo().seconds, remaining())),
        guard=line_guard(),
    )
    leases = Leases(dynamodb(), state, uuid.uuid4().hex)

    @cache
    def products() -> frozenset[int]:
        charges = CatalogStore(dynamodb(), catalog).charges()
        return products_of(version for versions in charges.values() for version in versions)

    return GuardRun(
        lines=guarding,
        copies=CopyGuarding(guarding, subscriptions, leases),
        subscriptions=subscriptions,
        circuit=CircuitBreaker(dynamodb(), state),
        products=products,
        clock=now,
        random=random.random,
        remaining=remaining,
    )


def line_relay(remaining: Callable[[], float]) -> "LineRelay":
    """Return what sends due lines, for one run of `remaining()` seconds; each run is an owner of its own."""
    from functions.relay.line_dependencies import RelayDependencies
    from functions.relay.line_relay import LineRelay
    from fusion_billing.dynamodb.ratings.billed_lines import BilledLines
    from fusion_billing.dynamodb.state.circuit_breaker import CircuitBreaker
    from fusion_billing.dynamodb.state.leases import Leases

    state = settings.text("STATE_TABLE")
    dependencies = RelayDependencies(
        store=BilledLines(dynamodb(), settings.text("RATINGS_TABLE")),
        leases=Leases(dynamodb(), state, uuid.uuid4().hex),
        circuit=CircuitBreaker(dynamodb(), state),
        odoo=odoo(),
        precision=_precision(),
        events=outbox(),
        rerate=rating_jobs().subscription,
        line_partitions=settings.integer("LINE_PARTITIONS", 8),
        clock=now,
        pause=time.sleep,
        random=random.random,
        remaining=remaining,
        pace=_pace(),
        delivered=_delivered(),
    )
    return LineRelay(dependencies)


def final_invoices(remaining: Callable[[], float]) -> int:
    """Return how many lines of ended subscriptions wait for somebody to invoice them."""
    from functions.relay.final_invoices import waiting
    from fusion_billing.dynamodb.ratings.billed_lines import BilledLines

    store = BilledLines(dynamodb(), settings.text("RATINGS_TABLE"))
    return waiting(store, odoo(), remaining, close_last_period)


def close_last_periods(periods: "Iterable[tuple[str, datetime]]") -> None:
    """Close last periods of ended subscriptions whose final invoice was met by a line that changed since."""
    from functions.relay.final_invoices import close_all

    close_all(periods, close_last_period)


def close_last_period(subscription: str, start: datetime) -> bool:
    """Close the open period of an ended subscription, if it starts then; return whether this call did."""
    return _subscription_writer().close_last_period(subscription, start, now=now())


@cache
def _subscription_writer() -> "SubscriptionWriter":
    from fusion_billing.application.save_subscription import SubscriptionWriter
    from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
    from fusion_billing.dynamodb.ratings.unbilled import Unbilled

    return SubscriptionWriter(
        _subscription_store(),
        outbox(),
        rating_jobs(),
        unbilled=Unbilled(dynamodb(), settings.text("RATINGS_TABLE")),
        announced=AnnouncedEnds(dynamodb(), settings.text("RATINGS_TABLE")),
    )


@cache
def _subscription_store() -> "SubscriptionStore":
    from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore

    return SubscriptionStore(dynamodb(), settings.text("CATALOG_TABLE"))


def subscription_sync(remaining: Callable[[], float]) -> "SubscriptionSync":
    """Return what reads subscriptions from Odoo, for one run of `remaining()` seconds."""
    from fusion_billing.application.sync_subscriptions import SubscriptionSync
    from fusion_billing.dynamodb.state.sync import SyncState

    return SubscriptionSync(
        odoo=odoo(),
        store=_subscription_store(),
        writer=_subscription_writer(),
        state=SyncState(dynamodb(), settings.text("STATE_TABLE")),
        clock=now,
        remaining=remaining,
    )
