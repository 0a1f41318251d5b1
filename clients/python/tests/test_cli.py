"""The command on the real service: what it prints, and how it fails."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fusion_billing_client import NO_RETRIES, Client
from tests.conftest import Service

Run = Callable[..., "Done"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def fusion(service: Service, tmp_path: Path) -> Run:
    """Run the command with the service's key, in a folder of the test."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> Done:
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "FUSION_BASE_URL": service.base_url,
            "FUSION_KEY": service.key,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "COLUMNS": "100",
            **environment,
        }
        command = [sys.executable, "-m", "fusion_billing_client.cli.main", *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=given, cwd=tmp_path, timeout=60, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert service.key not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return run


# --- reading and operating ---


def rated(service: Service) -> None:
    service.client.usage.push(
        [
            {
                "idempotency_key": "cli:4102",
                "subscription": "4102",
                "metric": "api_calls",
                "period_start": "2026-10-03T00:00:00Z",
                "period_end": "2026-10-04T00:00:00Z",
                "quantity": "7750",
            }
        ]
    )
    service.client.ratings.run("4102")
    service.control("rate")


def test_usage_and_explain(fusion: Run, service: Service) -> None:
    rated(service)
    assert fusion("usage", "4102", "--at", "2026-10-03").out == (
        "4102: 2026-09-30T04:00:00Z to 2026-10-31T04:00:00Z\n"
        "metric      units  included  overage  amount  currency  projected\n"
        "api_calls    7750       500     7250   40.75  USD       40.75\n"
        "storage_gb      0        50        0    0.00  USD       0.00\n"
    )
    explained = fusion("explain", "4102/api_calls_scale", "--period", "2026-10-03")
    assert explained.status == 0
    assert explained.out.startswith(
        "4102/api_calls_scale: 40.75 USD, 2026-09-30T04:00:00Z to 2026-10-31T04:00:00Z\n"
        "7750 units, 500 included, 7250 billed; version 1, "
    )
    assert "cli:4102" in explained.out
    assert fusion("explain", "4102~20260930T040000Z~api_calls_scale", "--json").json["amount"] == "40.75"


def test_export(fusion: Run, service: Service, tmp_path: Path) -> None:
    rated(service)
    dates = ("--from", "2026-10-01T00:00:00Z", "--to", "2026-11-02T00:00:00Z")
    assert fusion("export", "ratings", *dates, "-o", "ratings.csv").status == 0
    with (tmp_path / "ratings.csv").open() as file:
        found = {(entry["subscription"], entry["charge"]): entry["amount"] for entry in csv.DictReader(file)}
    assert found["4102", "api_calls_scale"] == "40.75"
    assert "cli:4102" in fusion("export", "usage", "--subscription", "4102").out
    assert fusion("export", "statements").out.splitlines()[0].startswith("subscription,customer_name,period_start")
    assert fusion("export", "usage", "--subscription", "4102", "--format", "parquet", "-o", "usage.parquet").status == 0
    parquet = pytest.importorskip("pyarrow.parquet")
    [quantity, *_] = parquet.read_table(tmp_path / "usage.parquet")["quantity"].to_pylist()
    assert quantity == 7750


def test_keys_are_shown_once_and_alone(fusion: Run, service: Service) -> None:
    made = fusion("keys", "create", "--new-source", "cli", "--scope", "usage:write")
    assert made.out.startswith("fb_")
    assert made.out.count("\n") == 1
    key = made.out.split("_")[1]
    assert key in fusion("keys", "list").out
    with Client(service.base_url, made.out.strip(), retries=NO_RETRIES) as client:
        assert client.usage.push([]).results == ()
    assert fusion("keys", "revoke", key).out == "Revoked\n"
    assert key not in fusion("keys", "list").out


def test_lines_retry_trigger_and_doctor(fusion: Run, service: Service) -> None:
    rated(service)
    assert fusion("lines").out == "Order lines, failed: none\n"
    assert [
        line["charge"] for line in fusion("lines", "--state", "due", "--json").json if line["subscription"] == "4102"
    ]
    assert fusion("retry", "--all-failed").status == 0
    assert fusion("retry").status == 2
    endpoint = service.client.endpoints.create("https://hooks.example.com/cli", ["*"])
    assert fusion("trigger", "rating.updated", "--endpoint", endpoint.id).out.endswith(f" to {endpoint.id}\n")
    assert "type" in fusion("trigger", "nothing", "--endpoint", endpoint.id).err
    service.client.endpoints.delete(endpoint.id)
    done = fusion("doctor", "--json")
    assert {finding["check"]: finding["result"] for finding in done.json} == {
        "health": "ok",
        "key": "ok",
        "clock": "ok",
        "odoo": "ok",
        "order lines": "ok",
        "webhooks": "ok",
    }


# --- errors ---


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("usage", "9999"), 1, "No such subscription: 9999 (not_found)"),
        (("usage",), 2, "Missing argument"),
        (("nonsense",), 2, "No such command 'nonsense'."),
        (("lines", "--state", "odd"), 1, "state must be one of"),
        (("explain", "what?"), 2, "LINE_OR_RATING: must be a line such as"),
        (("export", "everything"), 2, "WHAT: must be ratings, usage or statements"),
        (("export", "usage", "--from", "yesterday"), 2, "--from: must be an instant with an offset"),
        (("push", "usage.txt"), 2, "FILE: usage.txt could be of any format"),
        (("push", "nothing.csv"), 1, "nothing.csv: No such file or directory"),
        (("plan", "nothing"), 1, "nothing: does not exist. Write one with fusion pull"),
        (("tail", "--since", "now"), 2, "--since: must be an instant with an offset"),
        (("listen", "--forward-to", "localhost"), 2, "--forward-to: must be a URL"),
    ],
)
def test_an_error_is_one_line(fusion: Run, arguments: tuple[str, ...], status: int, message: str) -> None:
    done = fusion(*arguments)
    assert (done.status, done.out) == (status, "")
    assert done.err.startswith(f"fusion: {message}")
    assert done.err.count("\n") == 1


def test_a_wrong_key_says_what_to_do_and_is_not_shown(fusion: Run) -> None:
    wrong = "fb_abcdefgh12345678_" + "x" * 43
    done = fusion("usage", "4101", FUSION_KEY=wrong)
    assert done.status == 1
    assert done.err.startswith("fusion: key: ")
    assert done.err.endswith("Run fusion login, or set FUSION_KEY\n")
    assert "x" * 10 not in done.err


def test_without_a_profile_the_fix_is_named(fusion: Run) -> None:
    done = fusion("usage", "4101", FUSION_BASE_URL="")
    assert done == Done(2, "", "fusion: base URL: not known. Run fusion login, or set FUSION_BASE_URL\n")


def test_login_stores_the_address_in_a_file_and_the_key_in_the_keyring(
    fusion: Run, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "memory_keyring.py").write_text(KEYRING)
    environment = {"PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "memory_keyring.Files", "FUSION_BASE_URL": ""}
    done = fusion(
        "login", "--base-url", service.base_url, "--key-stdin", stdin=f"{service.key}\n", FUSION_KEY="", **environment
    )
    assert done.status == 0, done.err
    assert service.key not in (tmp_path / ".config" / "fusion-billing" / "config.json").read_text()
    assert fusion("usage", "4101", "--json", FUSION_KEY="", **environment).json["subscription"] == "4101"
    refused = fusion("login", "--base-url", service.base_url, "--key-stdin", stdin="secret\n", **environment)
    assert refused == Done(2, "", "fusion: key: must begin with fb_, as the service shows it when it creates a key\n")


KEYRING = """
import pathlib
from keyring.backend import KeyringBackend

class Files(KeyringBackend):
    priority = 1

    def _file(self, service, name):
        return pathlib.Path.home() / f"{service}-{name}"

    def get_password(self, service, name):
        return self._file(service, name).read_text() if self._file(service, name).exists() else None

    def set_password(self, service, name, password):
        self._file(service, name).write_text(password)
"""


def test_help_and_completion(fusion: Run) -> None:
    assert "push" in fusion("--help").out
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # the shell that runs the tests may be any other
    assert "_fusion_completion" in fusion("--show-completion", "bash", **named).out
    assert fusion("--version").out.startswith("fusion 0.")
