"""Every command of the package says in one line, and by its exit status, what keeps it from its task."""

from collections.abc import Callable

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from fusion_billing import bootstrap, erase, repartition, restore
from fusion_billing.dynamodb import client
from fusion_billing.errors import Unavailable, VersionConflict

COMMANDS: dict[str, Callable[[], int]] = {
    "bootstrap": bootstrap.main,
    "repartition": repartition.main,
    "erase": lambda: erase.main(["42"]),
    "restore tables": lambda: restore.main(["tables", "2026-11-20T09:00:00Z", "catalog"]),
    "restore lines": lambda: restore.main(["lines", "2026-11-20T09:00:00Z"]),
}

TABLES = ("USAGE_TABLE", "WINDOW_USAGE_TABLE", "CATALOG_TABLE", "RATINGS_TABLE", "MARKERS_TABLE")

PROBLEMS = [
    (NoRegionError(), "AWS_DEFAULT_REGION is not set"),
    (NoCredentialsError(), "No AWS credentials found"),
    (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Query"), "does not exist in this account"),
    (ClientError({"Error": {"Code": "AccessDeniedException"}}, "Query"), "may not use table"),
    (ClientError({"Error": {"Code": "ThrottlingException"}}, "Query"), "cannot be used: ThrottlingException"),
    (EndpointConnectionError(endpoint_url="https://dynamodb.eu-north-9.amazonaws.com"), "check the region"),
    (ReadTimeoutError(endpoint_url="https://dynamodb"), "DynamoDB did not respond in time"),
    (Unavailable("The lines of the ratings keep being moved"), "keep being moved"),
    (VersionConflict("The subscription was changed by another request"), "was changed"),
]


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the tables of a stack."""
    for name in TABLES:
        monkeypatch.setenv(name, name.lower())
    monkeypatch.setenv("LINE_PARTITIONS", "8")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("error", "words"), PROBLEMS, ids=lambda value: type(value).__name__)
def test_a_command_reports_a_problem_in_one_line(
    command: str, error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(client, "dynamodb", fail)

    assert COMMANDS[command]() == 1
    printed = capsys.readouterr()
    assert words in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_error_that_nobody_expects_has_its_traceback(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(client, "dynamodb", fail)

    with pytest.raises(ZeroDivisionError):
        COMMANDS[command]()


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "restore tables"])
def test_a_missing_setting_is_named(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in TABLES:
        monkeypatch.delenv(name)

    assert COMMANDS[command]() == 1
    assert "_TABLE is not set" in capsys.readouterr().err
