"""What runs of deliveries work with, made once a container."""

from functools import cache

from functions.relay.deliveries import THREADS, Dependencies
from fusion_billing import settings
from fusion_billing.outbound.configured import guard
from fusion_billing.outbound.sender import Sender
from fusion_billing.store import client
from fusion_billing.store.deliveries import DeliveryStore
from fusion_billing.store.endpoints import EndpointStore
from fusion_billing.store.events import EventStore
from fusion_billing.store.outbox import Nudges, build_outbox
from fusion_billing.store.secrets import EndpointSecrets
from fusion_billing.store.turns import Turns


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
        sender=Sender(guard()),
        outbox=build_outbox(dynamodb, sqs, table=table, queue_url=queue_url),
        nudges=Nudges(sqs, queue_url),
        turns=Turns(dynamodb, settings.text("STATE_TABLE")),
    )
