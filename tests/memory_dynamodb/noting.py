"""Let a watch of rights see the calls to the tables in memory, too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from local.rights import Watch
from tests.memory_dynamodb.client import MemoryDynamoDB


@contextmanager
def noting(watch: Watch) -> Iterator[None]:
    """Have `watch` note each call."""
    original = MemoryDynamoDB._call

    def noted(self: MemoryDynamoDB, operation: str, request: Mapping[str, Any], carry_out: Callable[[], Any]) -> Any:
        if operation not in {"DeleteTable", "Scan"}:  # a test's own
            watch.note("dynamodb", operation, request)
        return original(self, operation, request, carry_out)

    with patch.object(MemoryDynamoDB, "_call", noted):
        yield
