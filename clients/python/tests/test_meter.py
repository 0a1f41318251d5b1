import contextlib
import sqlite3
import threading
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest

from fusion_billing_client import ClockError, InvalidUsageError, LedgerError, Meter
from tests.conftest import Ingest

START = datetime(2026, 11, 3, 10, 30, tzinfo=timezone.utc).timestamp()


KEEPS: tuple[Literal["last", "max", "min"], ...] = ("last", "max", "min")


class Clock:
    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def meter(ingest: Ingest | None, folder: Path, **options: Any) -> Meter:
    options = {"flush_interval": None, "clock": Clock(), **options}
    return Meter(ingest.client() if ingest else None, folder / "usage.db", **options)


def test_counts_of_an_hour_become_one_record(ingest: Ingest, tmp_path: Path) -> None:
    with meter(ingest, tmp_path) as counting:
        for quantity in (1, 2, Decimal("0.5"), "4.25"):
            counting.count("42", "api_calls", quantity, region="eu")
        counting.count("42", "api_calls")
        report = counting.flush()

    assert (report.pushed, report.rejected, report.pending) == (2, 0, 0)
    [one, other] = sorted(ingest.records(), key=lambda record: str(record["quantity"]))
    assert one["quantity"] == "1"
    assert "properties" not in one
    assert other["quantity"] == "7.75"
    assert other["properties"] == {"region": "eu"}
    assert other["period_start"] == "2026-11-03T10:00:00Z"
    assert other["period_end"] == "2026-11-03T11:00:00Z"


def test_a_second_flush_pushes_only_what_changed(ingest: Ingest, tmp_path: Path) -> None:
    with meter(ingest, tmp_path) as counting:
        counting.count("42", "api_calls", 2)
        assert counting.flush().pushed == 1
        assert counting.flush().pushed == 0
        counting.count("42", "api_calls", 3)
        assert counting.flush().pushed == 1

    [record] = ingest.records()
    assert (record["quantity"], record["sequence"]) == ("5", 2)


def test_days_in_a_zone_are_as_long_as_they_are(ingest: Ingest, tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 10, 25, 12, tzinfo=timezone.utc).timestamp())
    with meter(ingest, tmp_path, window="day", zone="Europe/Berlin", clock=clock) as counting:
        counting.count("42", "api_calls")
        counting.flush()

    [record] = ingest.records()
    assert (record["period_start"], record["period_end"]) == ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")


def test_clock_jumps_add_to_the_window_that_the_clock_shows(ingest: Ingest, tmp_path: Path) -> None:
    clock = Clock()
    with meter(ingest, tmp_path, clock=clock) as counting:
        for jump in (0, 3600, -7200, 86_400, -86_400, 0, 3600):
            clock.now = START + jump
            counting.count("42", "api_calls", 1)
            counting.flush()

    assert ingest.totals() == {"42": Decimal(7)}
    assert {record["quantity"] for record in ingest.records()} == {"1", "2"}


def test_a_clock_that_is_not_set_counts_nothing(tmp_path: Path) -> None:
    clock = Clock(12.0)
    with meter(None, tmp_path, clock=clock) as counting:
        with pytest.raises(ClockError, match="clock: must be in the years 2000 to 2199"):
            counting.count("42", "api_calls")
        clock.now = START
        counting.count("42", "api_calls")
        counting.fold()
        assert counting.status().pending == 1


def test_gauges_push_the_last_highest_or_lowest_value(ingest: Ingest, tmp_path: Path) -> None:
    clock = Clock()
    with meter(ingest, tmp_path, clock=clock) as counting:
        for value in (5, 9, 3, 4):
            clock.now += 1
            for keep in KEEPS:
                counting.gauge("42", f"level_{keep}", value, keep=keep)
            counting.fold()
        counting.flush()

    found = {record["metric"]: record["quantity"] for record in ingest.records()}
    assert found == {"level_last": "4", "level_max": "9", "level_min": "3"}


def test_a_member_counts_once_in_every_ledger(ingest: Ingest, tmp_path: Path) -> None:
    for host in ("a", "b"):
        (tmp_path / host).mkdir()
        with meter(ingest, tmp_path / host) as counting:
            for member in ("user-1", "user-2", "user-1"):
                counting.unique("42", "seats", member)
            counting.flush()

    records = ingest.records()
    assert sorted(record["member"] for record in records) == ["user-1", "user-2"]
    assert {record["quantity"] for record in records} == {"1"}


def test_ledgers_of_several_hosts_add_up(ingest: Ingest, tmp_path: Path) -> None:
    for host in ("a", "b", "c"):
        (tmp_path / host).mkdir()
        with meter(ingest, tmp_path / host) as counting:
            counting.count("42", "api_calls", 10)
            counting.flush()

    assert ingest.totals() == {"42": Decimal(30)}
    assert len(ingest.records()) == 3


def test_threads_count_exactly(ingest: Ingest, tmp_path: Path) -> None:
    def work(number: int) -> None:
        for step in range(2_000):
            counting.count("42", "api_calls", 1, worker=str(number % 2))
            if step % 500 == 0:
                counting.flush()

    with meter(ingest, tmp_path) as counting:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counting.flush()

    assert ingest.totals() == {"42": Decimal(8_000)}


def test_rejected_counters_are_listed_and_pushed_again(ingest: Ingest, tmp_path: Path) -> None:
    with meter(ingest, tmp_path) as counting:
        counting.count("unknown-1", "api_calls", 3)
        report = counting.flush()
        [rejected] = counting.rejected()

        assert (report.pushed, report.rejected) == (0, 1)
        assert (rejected.subscription, rejected.quantity, rejected.code) == (
            "unknown-1",
            Decimal(3),
            "unknown_subscription",
        )
        assert counting.flush().rejected == 0, "it is not due before an hour is over"
        assert counting.retry_rejected().rejected == 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("", "api_calls"), "subscription"),
        (("4 2", "api_calls"), "subscription"),
        ((42, "api_calls"), "subscription"),
        (("42", "API"), "metric"),
        (("42", "api_calls", 1.5), "quantity"),
        (("42", "api_calls", True), "quantity"),
        (("42", "api_calls", -1), "quantity"),
        (("42", "api_calls", "1e400"), "quantity"),
        (("42", "api_calls", Decimal("NaN")), "quantity"),
        (("42", "api_calls", 10**40), "quantity"),
    ],
)
def test_a_wrong_argument_is_named_and_counts_nothing(tmp_path: Path, arguments: Any, field: str) -> None:
    with meter(None, tmp_path) as counting:
        with pytest.raises(InvalidUsageError) as raised:
            counting.count(*arguments)
        counting.fold()

        assert raised.value.field == field
        assert counting.status().pending == 0


def test_a_property_must_be_a_string(tmp_path: Path) -> None:
    with meter(None, tmp_path) as counting, pytest.raises(InvalidUsageError, match=r"properties\.region"):
        counting.count("42", "api_calls", 1, region=7)  # type: ignore[arg-type]


def test_a_closed_meter_counts_nothing(tmp_path: Path) -> None:
    counting = meter(None, tmp_path)
    counting.count("42", "api_calls")
    counting.close()
    with pytest.raises(LedgerError, match="closed"):
        counting.count("42", "api_calls")


def test_compaction_never_replaces_what_was_pushed(ingest: Ingest, tmp_path: Path) -> None:
    clock = Clock()
    with meter(ingest, tmp_path, clock=clock) as counting:
        counting.count("42", "api_calls", 5)
        counting.flush()
        clock.now += 40 * 86_400
        assert counting.compact() == 1
        for _ in range(5):  # the clock jumps back, and more revisions follow than were pushed before
            clock.now = START
            counting.count("42", "api_calls", 1)
            counting.flush()

    assert ingest.totals() == {"42": Decimal(10)}
    with contextlib.closing(sqlite3.connect(tmp_path / "usage.db")) as ledger:
        assert ledger.execute("SELECT quantity FROM records").fetchall() == [("5",)]


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "usage.db").write_text("notes " * 1000)
    with pytest.raises(LedgerError, match="is not a ledger"):
        meter(None, tmp_path)
    assert (tmp_path / "usage.db").read_text() == "notes " * 1000
    (tmp_path / "usage.db").unlink()
    with meter(None, tmp_path) as counting:  # the refusal left no lock behind
        assert counting.status().pending == 0


def test_large_quantities_add_up_exactly(ingest: Ingest, tmp_path: Path) -> None:
    with meter(ingest, tmp_path) as counting:
        counting.count("42", "bytes", "12345678901234567890123456789.123456")
        counting.count("42", "bytes", "0.000001")
        counting.count("42", "bytes", 1 << 63)
        counting.flush()

    [record] = ingest.records()
    assert record["quantity"] == str(Decimal("12345678910457939926978232597.123457"))
