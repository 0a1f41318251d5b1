"""`fusion push` on the real service."""

import json
import uuid
from pathlib import Path

import pytest

from tests.conftest import Service
from tests.test_cli import Done, Run, fusion

__all__ = ["fusion"]

HEADER = "idempotency_key,subscription,metric,period_start,period_end,quantity,properties.region\n"


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
    service.client.usage.void(record["idempotency_key"])  # its amount is more than Odoo can hold


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
