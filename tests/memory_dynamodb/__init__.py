"""DynamoDB and SQS in memory, faithful enough for the real stores to run on them (docs/testing.md)."""

from tests.memory_dynamodb.client import MemoryDynamoDB
from tests.memory_dynamodb.hooks import Hooks
from tests.memory_dynamodb.queues import MemorySQS

__all__ = ["Hooks", "MemoryDynamoDB", "MemorySQS"]
