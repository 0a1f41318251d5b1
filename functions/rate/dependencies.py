"""Build the rate function's adapters from the environment, once in each container."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools import Logger, Metrics

from functions.rate import ports
from functions.rate.end_announcer import EndAnnouncer
from functions.rate.failures import reason_of
from functions.rate.hourly_pairs import HourlyRating
from functions.rate.last_periods import LastPeriods
from functions.rate.line_due_times import LineDueTimes
from functions.rate.rater import Rater
from functions.rate.rating_inputs import Sources
from functions.rate.rating_writer import Writer
from functions.rate.worker import Worker
from fusion_billing import settings
from fusion_billing.application.amount_totals import AmountTotals
from fusion_billing.billing.billed_subscription import BilledSubscription, billed_subscription
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.rating_cadence import RatingCadence
from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.catalog.definitions import CatalogStore
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.direct_reads import send_reads_directly
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair, ChangedPairs
from fusion_billing.dynamodb.markers.hourly_pairs import HourlyPairs
from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
from fusion_billing.dynamodb.ratings.rated_amounts import RatedAmounts
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.ratings.statements import StatementStore
from fusion_billing.dynamodb.raw_requests import encode_requests_as_json
from fusion_billing.dynamodb.raw_responses import decode_reads_as_json
from fusion_billing.dynamodb.state.amount_totals import StoredTotals
from fusion_billing.dynamodb.state.failing_pairs import FailingPairs
from fusion_billing.dynamodb.state.planner import PlannerState
from fusion_billing.dynamodb.state.runs import RunStore
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from fusion_billing.instants import parse_instant
from fusion_billing.messaging.queue import Queue
from fusion_billing.messaging.relay_messages import InvoicesJob
from fusion_billing.odoo_lines.line_cadence import CADENCES, LineCadence

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAMESPACE = "FusionBilling"


@cache
def logger() -> Logger:
    """Return the logger."""
    return Logger()


@cache
def metrics() -> Metrics:
    """Return the CloudWatch metrics; the handler flushes them."""
    return Metrics(namespace=settings.text("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE))


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def settling_time() -> timedelta:
    """Return how long after an hour its change markers are complete."""
    return timedelta(seconds=settings.integer("SETTLING_SECONDS", 300))


def shards() -> int:
    """Return over how many shards the change markers of an hour are spread."""
    return settings.integer("CHANGE_SHARDS", 16)


def line_cadence() -> LineCadence:
    """Return the setting LINE_CADENCE: when the order line of a changed rating is sent."""
    cadence = settings.text("LINE_CADENCE", "daily")
    if cadence not in CADENCES:
        raise settings.Missing(f"LINE_CADENCE must be one of {', '.join(CADENCES)}, not {cadence!r}")
    return cast("LineCadence", cadence)


def rating_cadence() -> RatingCadence:
    """Return the setting RATING_CADENCE: how often changed pairs are rated."""
    try:
        return RatingCadence.named(settings.text("RATING_CADENCE", "1h"))
    except ValueError as error:
        raise settings.Missing(f"RATING_CADENCE {error}") from None


def hourly_rating(pairs: ports.HourlyPairs, cadence: RatingCadence) -> HourlyRating | None:
    """Return which pairs are rated hourly, None if all are."""
    return HourlyRating(pairs, cadence) if cadence.hours > 1 else None


@cache
def queue() -> Queue:
    """Return the rating queue."""
    return Queue(client.make("sqs"), settings.text("RATING_QUEUE_URL"))


@cache
def planner_state() -> PlannerState:
    """Return the store of the planner's watermark."""
    return PlannerState(
        client.dynamodb(),
        state_table=settings.text("STATE_TABLE"),
        markers_table=settings.text("MARKERS_TABLE"),
    )


def optimized(dynamodb: "DynamoDBClient") -> "DynamoDBClient":
    """Have a client do what takes botocore the most time for each pair; return the client."""
    return send_reads_directly(encode_requests_as_json(decode_reads_as_json(dynamodb)))


@cache
def worker() -> Worker:
    """Return the worker of the rating queue."""
    dynamodb, sqs = optimized(client.dynamodb()), client.make("sqs")
    relay = settings.text("RELAY_QUEUE_URL")
    pairs = ChangedPairs(dynamodb, settings.text("MARKERS_TABLE"), shards=shards())
    ratings = RatingsStore(
        dynamodb, settings.text("RATINGS_TABLE"), line_partitions=settings.integer("LINE_PARTITIONS", 8)
    )
    subscriptions = SubscriptionStore(dynamodb, settings.text("CATALOG_TABLE"))
    relay_queue = Queue(sqs, relay)
    catalog = CatalogStore(dynamodb, settings.text("CATALOG_TABLE"))
    keying = MetricKeying(dynamodb, settings.text("CATALOG_TABLE"))
    sources = Sources(
        subscription=partial(subscription, subscriptions),
        prices=partial(price_book, catalog, keying),
        records=UsageRecords(
            dynamodb,
            settings.text("USAGE_TABLE"),
            settings.text("WINDOW_USAGE_TABLE"),
            keying,
        ),
        markers=pairs,
        report=report,
        created_at=partial(created_at, catalog),
        request_invoices=partial(request_invoices, relay_queue),
    )
    cadence = line_cadence()
    statements = StatementStore(dynamodb, settings.text("RATINGS_TABLE"))
    events = build_outbox(dynamodb, sqs, table=settings.text("WEBHOOKS_TABLE"), queue_url=relay)
    return Worker(
        rater=lambda now, at_once: Rater(
            sources, ratings, Writer(ratings, events, now, LineDueTimes(cadence, at_once)), statements
        ),
        pairs=pairs,
        subscriptions=subscriptions,
        runs=RunStore(dynamodb, settings.text("STATE_TABLE")),
        queue=queue(),
        relay=relay_queue,
        clock=now,
        end_announcer=EndAnnouncer(ratings, AnnouncedEnds(dynamodb, settings.text("RATINGS_TABLE")), events),
        last_periods=LastPeriods(ratings, relay_queue),
        hourly=hourly_rating(HourlyPairs(dynamodb, settings.text("MARKERS_TABLE"), shards=shards()), rating_cadence()),
        failing=FailingPairs(dynamodb, settings.text("STATE_TABLE")),
        amounts=AmountTotals(
            RatedAmounts(dynamodb, settings.text("RATINGS_TABLE")),
            StoredTotals(dynamodb, settings.text("STATE_TABLE")),
        ),
    )


def created_at(catalog: CatalogStore, charge: str) -> datetime | None:
    """Return when a charge was created; None if its history no longer goes back to that."""
    first = next((entry for entry in catalog.history("CHARGE", charge) if entry["version"] == 1), None)
    return parse_instant(first["at"]) if first is not None else None


def request_invoices(relay: Queue, subscription: str, period_start: datetime) -> None:
    """Request that the relay reads what Odoo invoiced of a period; raises `Unavailable`."""
    relay.send([InvoicesJob(subscription=subscription, period_start=period_start)])


def price_book(catalog: CatalogStore, keying: MetricKeying) -> PriceBook:
    """Return the metrics and charges as they are now; how the metrics' records are keyed is remembered."""
    metrics = catalog.metrics().values()
    keying.remember(metrics)
    return PriceBook(metrics, catalog.charges().values())


def subscription(subscriptions: SubscriptionStore, subscription_id: str) -> BilledSubscription | None:
    """Return a subscription as rating sees it, or None if it does not exist.

    One whose usage was erased does not: rated again, it would come to nothing, and what was billed be given back.
    """
    stored = subscriptions.get(subscription_id)
    return billed_subscription(stored) if stored is not None and stored.erased is None else None


def report(pair: ChangedPair, error: Exception) -> None:
    """Log a pair that failed, with the reason if the service raised the error."""
    fields: Mapping[str, Any] = {
        "subscription": pair.subscription,
        "metric": pair.metric,
        "month": pair.month,
        "error": type(error).__name__,
    }
    logger().error("pair could not be rated", reason=reason_of(error), **fields)
