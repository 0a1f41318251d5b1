"""The command that erases a customer's data says in one line what is in its way."""

from typing import Any

import pytest

from fusion_billing import erase
from fusion_billing.dynamodb import client
from local import tables as template_tables
from tests.memory_dynamodb import MemoryDynamoDB


def test_without_a_subscription_its_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert erase.main([]) == 2
    assert capsys.readouterr().err.startswith("Usage: ")


def test_a_missing_table_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("USAGE_TABLE", raising=False)

    assert erase.main(["42"]) == 1
    assert "USAGE_TABLE" in capsys.readouterr().err


def test_an_unknown_subscription_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    dynamodb: Any = MemoryDynamoDB()
    tables = template_tables.create(dynamodb, template_tables.definitions())
    for name, value in tables.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "dynamodb", lambda: dynamodb)

    assert erase.main(["42"]) == 1
    assert capsys.readouterr().err == "Unknown subscription: 42\n"
