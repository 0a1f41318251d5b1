"""The collaborators of the routes, created on first use and kept while the container is warm.

One function per collaborator. Imports are inside the functions, so that a route loads only what it uses.
"""
# ruff: noqa: PLC0415

import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from fusion_billing import settings
from fusion_billing.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

    from functions.admin.services.dry_run import Stores as DryRunStores
    from functions.admin.services.runs import Runs
    from fusion_billing.application.outbox import Outbox
    from fusion_billing.application.save_subscription import SubscriptionWriter
    from fusion_billing.dynamodb.audit.audit_log import AuditLog
    from fusion_billing.dynamodb.catalog.api_keys import KeyStore
    from fusion_billing.dynamodb.catalog.definitions import CatalogStore
    from fusion_billing.dynamodb.catalog.source_changes import SourceChanges
    from fusion_billing.dynamodb.catalog.sources import SourceStore
    from fusion_billing.dynamodb.catalog.subscription_use import SubscriptionUse
    from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
    from fusion_billing.dynamodb.ratings.order_lines import LineStore
    from fusion_billing.dynamodb.ratings.period_ends import PeriodEnds
    from fusion_billing.dynamodb.ratings.ratings import RatingsStore
    from fusion_billing.dynamodb.ratings.statements import StatementStore
    from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
    from fusion_billing.dynamodb.usage.pair_records import UsageRecords
    from fusion_billing.dynamodb.usage.reading import UsageReader
    from fusion_billing.messaging.queue import Queue
    from fusion_billing.messaging.rating_jobs import RatingJobs


def now() -> datetime:
    """Return the present instant; routes call it as `dependencies.now()`, and pass it on."""
    return datetime.now(UTC)


def as_unavailable(error: Exception) -> Unavailable | None:
    """Return the error of a call to AWS that may succeed when it is made again; None for any other."""
    from fusion_billing.dynamodb.errors import unavailable_of

    return unavailable_of(error)


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the one DynamoDB client; all stores share it."""
    from fusion_billing.dynamodb import client
    from fusion_billing.dynamodb.raw_responses import decode_reads_as_json

    return decode_reads_as_json(client.dynamodb())


@cache
def sqs() -> "SQSClient":
    """Return the one SQS client."""
    from fusion_billing.dynamodb import client

    made: SQSClient = client.make("sqs")
    return made


@cache
def keys() -> "KeyStore":
    """Return the API keys."""
    from fusion_billing.dynamodb.catalog.api_keys import KeyStore

    return KeyStore(dynamodb(), settings.text("CATALOG_TABLE"))


@cache
def catalog() -> "CatalogStore":
    """Return the metrics and charges."""
    from fusion_billing.dynamodb.catalog.definitions import CatalogStore

    return CatalogStore(dynamodb(), settings.text("CATALOG_TABLE"))


@cache
def subscriptions() -> "SubscriptionStore":
    """Return the subscriptions and their periods."""
    from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore

    return SubscriptionStore(dynamodb(), settings.text("CATALOG_TABLE"))


@cache
def subscription_writer() -> "SubscriptionWriter":
    """Return the service that saves subscriptions and publishes their events."""
    from fusion_billing.application.save_subscription import SubscriptionWriter
    from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
    from fusion_billing.dynamodb.ratings.unbilled import Unbilled

    ratings = settings.text("RATINGS_TABLE")
    return SubscriptionWriter(
        subscriptions(),
        outbox(),
        rating_jobs(),
        unbilled=Unbilled(dynamodb(), ratings),
        announced=AnnouncedEnds(dynamodb(), ratings),
    )


def dry_run_stores() -> "DryRunStores":
    """Return where a dry run looks."""
    from functions.admin.services.dry_run import Stores

    return Stores(catalog(), subscriptions(), usage_records())


@cache
def subscription_use() -> "SubscriptionUse":
    """Return the check for usage and ratings of a subscription."""
    from fusion_billing.dynamodb.catalog.subscription_use import SubscriptionUse

    return SubscriptionUse(
        dynamodb(),
        usage_table=settings.text("USAGE_TABLE"),
        window_usage_table=settings.text("WINDOW_USAGE_TABLE"),
        ratings_table=settings.text("RATINGS_TABLE"),
        metrics=metric_keying(),
    )


@cache
def usage_records() -> "UsageRecords":
    """Return the usage records by pair and window."""
    from fusion_billing.dynamodb.usage.pair_records import UsageRecords

    return UsageRecords(dynamodb(), settings.text("USAGE_TABLE"), settings.text("WINDOW_USAGE_TABLE"), metric_keying())


@cache
def metric_keying() -> "MetricKeying":
    """Return which metrics have records keyed by window."""
    from fusion_billing.dynamodb.usage.metric_keying import MetricKeying

    return MetricKeying(dynamodb(), settings.text("CATALOG_TABLE"))


@cache
def outbox() -> "Outbox":
    """Return the outbox of events."""
    from fusion_billing.composition import build_outbox

    return build_outbox(
        dynamodb(),
        sqs(),
        table=settings.text("WEBHOOKS_TABLE"),
        queue_url=settings.text("RELAY_QUEUE_URL"),
    )


@cache
def rating_jobs() -> "RatingJobs":
    """Return the sender of rating jobs."""
    from fusion_billing.messaging.rating_jobs import RatingJobs

    return RatingJobs(sqs(), settings.text("RATING_QUEUE_URL"))


@cache
def sources() -> "SourceStore":
    """Return the apps that push usage."""
    from fusion_billing.dynamodb.catalog.sources import SourceStore

    return SourceStore(dynamodb(), settings.text("CATALOG_TABLE"))


@cache
def source_changes() -> "SourceChanges":
    """Return what changes sources, with the copies of their limits."""
    from fusion_billing.dynamodb.catalog.source_changes import SourceChanges

    return SourceChanges(
        dynamodb(), catalog_table=settings.text("CATALOG_TABLE"), webhooks_table=settings.text("WEBHOOKS_TABLE")
    )


@cache
def usage_reader() -> "UsageReader":
    """Return the usage table, to look at."""
    from fusion_billing.dynamodb.usage.reading import UsageReader

    return UsageReader(dynamodb(), settings.text("USAGE_TABLE"), settings.text("WINDOW_USAGE_TABLE"), metric_keying())


@cache
def ratings() -> "RatingsStore":
    """Return the ratings, to look at."""
    from fusion_billing.dynamodb.ratings.ratings import RatingsStore

    line_partitions = settings.integer("LINE_PARTITIONS", 8)
    return RatingsStore(dynamodb(), settings.text("RATINGS_TABLE"), line_partitions=line_partitions)


@cache
def period_ends() -> "PeriodEnds":
    """Return the ratings by the end of their period."""
    from fusion_billing.dynamodb.ratings.period_ends import PeriodEnds

    return PeriodEnds(dynamodb(), settings.text("RATINGS_TABLE"))


@cache
def statements() -> "StatementStore":
    """Return the statements of closed periods."""
    from fusion_billing.dynamodb.ratings.statements import StatementStore

    return StatementStore(dynamodb(), settings.text("RATINGS_TABLE"))


@cache
def runs() -> "Runs":
    """Return the starter of rating runs; a response waits for a run within the limit of API Gateway."""
    from functions.admin.services.runs import Runs
    from fusion_billing.dynamodb.markers.changed_pairs import ChangedPairs
    from fusion_billing.dynamodb.state.planner import PlannerState
    from fusion_billing.dynamodb.state.runs import RunStore
    from fusion_billing.messaging.queue import Queue

    state, markers = settings.text("STATE_TABLE"), settings.text("MARKERS_TABLE")
    shards = settings.integer("CHANGE_SHARDS", 16)
    return Runs(
        store=RunStore(dynamodb(), state),
        planner=PlannerState(dynamodb(), state_table=state, markers_table=markers),
        queue=Queue(sqs(), settings.text("RATING_QUEUE_URL")),
        pairs=ChangedPairs(dynamodb(), markers, shards=shards),
        subscriptions=subscriptions(),
        shards=shards,
        wait=20.0,
        clock=time.monotonic,
        pause=time.sleep,
    )


@cache
def audit_log() -> "AuditLog":
    """Return the audit log."""
    from fusion_billing.dynamodb.audit.audit_log import AuditLog

    return AuditLog(dynamodb(), settings.text("AUDIT_TABLE"))


@cache
def lines() -> "LineStore":
    """Return the order lines that wait for Odoo or for an operator."""
    from fusion_billing.dynamodb.ratings.order_lines import LineStore

    return LineStore(dynamodb(), settings.text("RATINGS_TABLE"))


def line_partitions() -> int:
    """Return the number of partitions of due order lines."""
    return settings.integer("LINE_PARTITIONS", 8)


@cache
def relay_queue() -> "Queue":
    """Return the relay's queue."""
    from fusion_billing.messaging.queue import Queue

    return Queue(sqs(), settings.text("RELAY_QUEUE_URL"))
