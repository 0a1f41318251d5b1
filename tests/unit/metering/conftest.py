"""Fixtures of usage records."""

import pytest

from fusion_billing.metering import parsing


@pytest.fixture(autouse=True)
def no_instants_parsed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse every instant anew, whatever other tests parsed."""
    monkeypatch.setattr(parsing, "_instants", {})
