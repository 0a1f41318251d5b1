"""The command on the real service: what it prints, and how it fails."""

import csv
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fusion_billing_client import NO_RETRIES, Client
from tests.conftest import Service

Run = Callable[..., "Done"]
HEADER = "idempotency_key,subscription,metric,period_start,period_end,quantity,properties.region\n"


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


def row(key: str, quantity: str, day: int = 3, **changed: str) -> str:
    fields = {
        "idempotency_key": key,
        "subscription": "4104",
        "metric": "api_calls",
        "period_start": f"2026-10-{day:02}T00:00:00Z",
        "period_end": f"2026-10-{day + 1:02}T00:00:00Z",
        "quantity": quantity,
        "region": "eu",
        **changed,
    }
    return ",".join(fields.values()) + "\n"


# --- push ---


def test_push_of_a_file_twice_changes_nothing(fusion: Run, tmp_path: Path) -> None:
    prefix = uuid.uuid4().hex
    rows = "".join(row(f"{prefix}:{day}", str(day), day) for day in range(1, 20))
    (tmp_path / "usage.csv").write_text(HEADER + rows)

    assert fusion("push", "usage.csv", "--dry-run") == Done(0, "19 valid\n", "")
    assert fusion("push", "usage.csv") == Done(0, "19 created\n", "")
    assert fusion("push", "usage.csv") == Done(0, "19 unchanged\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["usage.csv"]


def test_push_names_the_line_the_field_and_the_fix_of_each_rejected_record(fusion: Run, tmp_path: Path) -> None:
    key = uuid.uuid4().hex
    rows = [
        row(f"{key}:1", "5"),
        row(f"{key}:2", "-5"),
        row(f"{key}:3", "5", subscription="9999"),
        row(f"{key}:4", "many"),
        row(f"{key}:5", "5", period_start="2026-10-03"),
    ]
    (tmp_path / "usage.csv").write_text(HEADER + "".join(rows))
    done = fusion("push", "usage.csv", "--report", "report.ndjson")

    assert done.status == 1
    assert done.out.splitlines() == [
        "1 created, 4 invalid",
        "line 3: quantity: must be a number that is not negative (invalid)",
        "line 5: quantity: must be a decimal number (invalid)",
        "line 6: period_start: must be an instant with an offset, such as 2026-11-03T00:00:00Z (invalid)",
        "line 4: subscription: does not exist (unknown_subscription)",
    ]
    assert done.err == "fusion: 4 records were rejected. Correct them and push the file again\n"
    report = [json.loads(line) for line in (tmp_path / "report.ndjson").read_text().splitlines()]
    assert sorted((entry["line"], entry["outcome"]) for entry in report) == [
        (2, "created"),
        *((line, "invalid") for line in range(3, 7)),
    ]


def test_a_dry_run_looks_up_what_records_name(fusion: Run, tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text(HEADER + row("a", "5", metric="nothing"))
    done = fusion("push", "usage.csv", "--dry-run", "--json")
    assert done.status == 1
    assert done.json["rejected"][0]["message"] == "metric: nothing does not exist"


def test_push_goes_on_where_it_stopped(fusion: Run, tmp_path: Path, service: Service) -> None:
    prefix = uuid.uuid4().hex
    rows = "".join(row(f"{prefix}:{number}", "1") for number in range(1_200))
    (tmp_path / "usage.csv").write_text(HEADER + rows)
    offline = fusion("push", "usage.csv", FUSION_BASE_URL="http://127.0.0.1:9")
    assert (offline.status, offline.err.startswith("fusion: POST /v1/usage: ")) == (1, True)

    (tmp_path / ".usage.csv.fusion-push").write_text(json.dumps({"file": "of another content", "done": 1_000}))
    assert fusion("push", "usage.csv").out == "1200 created\n"


def test_ndjson_keeps_every_digit(fusion: Run, service: Service) -> None:
    record = {
        "idempotency_key": uuid.uuid4().hex,
        "subscription": "4104",
        "metric": "api_calls",
        "period_start": "2026-10-03T00:00:00Z",
        "period_end": "2026-10-04T00:00:00Z",
    }
    text = json.dumps(record)[:-1] + ', "quantity": 12345678901234567.123456789}\n'
    assert fusion("push", "--ndjson", "-", stdin=text).out == "1 created\n"
    assert str(service.client.usage.get(record["idempotency_key"]).quantity) == "12345678901234567.123456789"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the column subscription is missing"),
        ("subscription,metric\n", "line 1: the column period_start is missing"),
        (HEADER.replace("properties.region", "region"), "line 1: 'region' is not a column"),
        (HEADER + row("", "5"), "line 2: idempotency_key is missing. Add it to each record"),
        (HEADER + row("a", "5").replace("eu", '"eu'), "line 2: is not valid CSV"),
    ],
)
def test_a_file_that_is_no_usage_is_refused(fusion: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "usage.csv").write_text(text)
    done = fusion("push", "usage.csv")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"fusion: {message}")


def test_derived_keys_are_of_what_is_counted(fusion: Run, tmp_path: Path) -> None:
    rows = row("", "5", day=21) + row("", "6", day=22) + row("", "7", day=22)
    (tmp_path / "usage.csv").write_text(HEADER + rows)
    done = fusion("push", "usage.csv", "--derive-keys")
    fix = "Add them up, or give each an idempotency_key"
    assert done.out == f"2 created, 1 invalid\nline 4: counts the same as line 3. {fix} (invalid)\n"


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
    assert "_fusion_completion" in fusion("--show-completion", "bash").out
    assert fusion("--version").out.startswith("fusion 0.")
