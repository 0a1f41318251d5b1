"""The collaborators of the webhook routes, created on first use.

Imports are at the top: only those routes import this module.
"""

from functools import cache
from typing import TYPE_CHECKING

from functions.admin import dependencies
from functions.admin.services.endpoints import Webhooks
from fusion_billing import settings
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoint_secrets import EndpointSecrets
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.outbound import configuration
from fusion_billing.outbound.ssrf_guard import SsrfGuard

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


@cache
def endpoints() -> EndpointStore:
    """Return the webhook endpoints."""
    return EndpointStore(dependencies.dynamodb(), settings.text("WEBHOOKS_TABLE"))


@cache
def deliveries() -> DeliveryStore:
    """Return the deliveries to webhook endpoints."""
    return DeliveryStore(dependencies.dynamodb(), settings.text("WEBHOOKS_TABLE"))


@cache
def events() -> EventStore:
    """Return the events."""
    return EventStore(dependencies.dynamodb(), settings.text("WEBHOOKS_TABLE"))


@cache
def wake_ups() -> WakeUps:
    """Return the sender of wake-up messages for an endpoint."""
    return WakeUps(dependencies.sqs(), settings.text("RELAY_QUEUE_URL"))


@cache
def kms() -> "KMSClient":
    """Return the one KMS client; it encrypts the endpoints' secrets."""
    made: KMSClient = client.make("kms")
    return made


@cache
def guard() -> SsrfGuard:
    """Return the guard of webhook URLs."""
    return configuration.guard()


@cache
def webhooks() -> Webhooks:
    """Return what the use cases of endpoints work with."""
    return Webhooks(
        endpoints=endpoints(),
        sources=dependencies.sources(),
        events=events(),
        secrets=EndpointSecrets(kms(), settings.text("ENDPOINT_KEY_ARN")),
        guard=guard(),
        outbox=dependencies.outbox(),
    )
