"""Builds use cases from adapters, for several functions."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fusion_billing.application.outbox import Outbox
from fusion_billing.dynamodb.webhooks.outbox import TableGateway
from fusion_billing.messaging.wakeups import WakeUps

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient


def build_outbox(
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    *,
    table: str,
    queue_url: str,
    monotonic: Callable[[], float] = time.monotonic,
) -> Outbox:
    """Return an outbox on the webhooks table and the relay queue. Build one a container, not one a call."""
    return Outbox(TableGateway(dynamodb, WakeUps(sqs, queue_url, monotonic=monotonic), table, monotonic))
