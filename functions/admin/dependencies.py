"""What the routes work with, made when first asked for and kept for as long as the container is warm.

One function a store. Their imports stand inside the functions, so that a route pays for what it uses.
"""
# ruff: noqa: PLC0415

import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from fusion_billing import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

    from fusion_billing.api.authentication import Authenticator
    from fusion_billing.store.keys import KeyStore


def now() -> datetime:
    """Return the present instant; routes call it as `dependencies.now()`, and pass it on."""
    return datetime.now(UTC)


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the one DynamoDB client; all stores share it."""
    from fusion_billing.store import client

    return client.dynamodb()


@cache
def sqs() -> "SQSClient":
    """Return the one SQS client."""
    from fusion_billing.store import client

    made: SQSClient = client.make("sqs")
    return made


@cache
def keys() -> "KeyStore":
    """Return the API keys."""
    from fusion_billing.store.keys import KeyStore

    return KeyStore(dynamodb(), settings.text("CATALOGUE_TABLE"))


@cache
def authenticator() -> "Authenticator":
    """Return what tells who holds a key; it remembers keys for a second."""
    from fusion_billing.api.authentication import Authenticator

    return Authenticator(keys(), time.monotonic)
