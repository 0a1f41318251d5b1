"""Contract tests: the same cases on an in-memory fake of `tests/fakes` and on the DynamoDB store that it stands for.

A fake that is more lenient than its store lets unit tests pass that fail in production. So each file here defines the
cases of one port, and `adapter` runs them on both.
"""

from typing import Literal, TypeAlias

import pytest

from fusion_billing.retry import Deadline

Adapter: TypeAlias = Literal["fake", "dynamodb"]


@pytest.fixture(params=["fake", "dynamodb"])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Name the adapter that a test runs on."""
    name: Adapter = request.param
    return name


@pytest.fixture
def deadline() -> Deadline:
    """Return a deadline that no test reaches."""
    return Deadline(10, lambda: 0.0, lambda _: None)
