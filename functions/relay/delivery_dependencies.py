"""What runs of deliveries work with, made once a container."""

from functools import cache

from functions.relay.deliveries import THREADS, Dependencies
from fusion_billing import settings
from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.state.endpoint_leases import EndpointLeases
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoint_secrets import EndpointSecrets
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.outbound.configuration import guard
from fusion_billing.outbound.webhook_sender import WebhookSender


@cache
def dependencies() -> Dependencies:
    """Return what `deliveries.run` works with, as the environment says."""
    dynamodb, sqs = client.make("dynamodb", connections=THREADS), client.make("sqs")
    table, queue_url = settings.text("WEBHOOKS_TABLE"), settings.text("RELAY_QUEUE_URL")
    return Dependencies(
        endpoints=EndpointStore(dynamodb, table),
        deliveries=DeliveryStore(dynamodb, table),
        events=EventStore(dynamodb, table),
        secrets=EndpointSecrets(client.make("kms"), settings.text("ENDPOINT_KEY_ARN")),
        sender=WebhookSender(guard()),
        outbox=build_outbox(dynamodb, sqs, table=table, queue_url=queue_url),
        wake_ups=WakeUps(sqs, queue_url),
        endpoint_leases=EndpointLeases(dynamodb, settings.text("STATE_TABLE")),
    )
