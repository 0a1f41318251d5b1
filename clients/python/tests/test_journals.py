"""Journals: lines that are not whole, journals of processes that live, and lines that no process wrote."""

from decimal import Decimal
from pathlib import Path

from fusion_billing_client import Meter
from tests.conftest import Ingest


def journals(folder: Path) -> list[Path]:
    return list((folder / "usage.db-counts").glob("*.counts"))


def test_a_line_that_is_not_whole_is_not_counted_until_it_is(ingest: Ingest, tmp_path: Path) -> None:
    with Meter(ingest.client(), tmp_path / "usage.db", flush_interval=None) as meter:
        meter.count("42", "api_calls", 7)
        meter.fold()
        [journal] = journals(tmp_path)
        with journal.open("ab", buffering=0) as file:
            file.write(b"0 1")
            meter.flush()
            assert ingest.totals() == {"42": Decimal(7)}
            file.write(b"5\n")
        meter.flush()
        assert meter.status().unreadable == 0

    assert ingest.totals() == {"42": Decimal(22)}


def test_the_journal_of_a_process_that_was_killed_within_a_line_is_folded_up_to_it(
    ingest: Ingest, tmp_path: Path
) -> None:
    with Meter(None, tmp_path / "usage.db", flush_interval=None) as meter:
        meter.count("42", "api_calls", 7)
        meter.count("42", "api_calls", 7)
        [journal] = journals(tmp_path)
        left_by_a_killed_process = journal.read_bytes() + b"0 99"
    (tmp_path / "usage.db-counts" / "1-2-3.counts").write_bytes(left_by_a_killed_process)
    with Meter(ingest.client(), tmp_path / "usage.db", flush_interval=None) as meter:
        meter.flush()
        assert journals(tmp_path) == []

    assert ingest.totals() == {"42": Decimal(28)}


def test_the_journal_of_a_process_that_lives_is_left_to_it(ingest: Ingest, tmp_path: Path) -> None:
    with (
        Meter(ingest.client(), tmp_path / "usage.db", flush_interval=None) as one,
        Meter(ingest.client(), tmp_path / "usage.db", flush_interval=None) as other,
    ):
        one.count("42", "api_calls", 1)
        other.flush()
        assert len(journals(tmp_path)) == 1
        one.count("42", "api_calls", 2)
        other.count("42", "api_calls", 4)
        other.flush()
        one.flush()

    assert ingest.totals() == {"42": Decimal(7)}
    assert len(ingest.records()) == 1


def test_lines_that_no_process_wrote_are_kept_and_reported(ingest: Ingest, tmp_path: Path) -> None:
    with Meter(ingest.client(), tmp_path / "usage.db", flush_interval=None) as meter:
        meter.count("42", "api_calls", 7)
        [journal] = journals(tmp_path)
        with journal.open("ab") as file:
            file.write(b"\0\0\0\n99 1\n0 x\nU {\n")  # as a power loss may leave it
        meter.count("42", "api_calls", 1)
        meter.flush()
        assert meter.status().unreadable == 4

    assert ingest.totals() == {"42": Decimal(8)}


def test_a_journal_that_has_grown_is_replaced(ingest: Ingest, tmp_path: Path) -> None:
    with Meter(ingest.client(), tmp_path / "usage.db", flush_interval=None) as meter:
        for number in range(3):
            meter.unique("42", "users", f"user-{number}")
        meter.count("42", "api_calls", 1)
        before = journals(tmp_path)
        page = meter._page
        assert page is not None
        page.journal.size = 1 << 30
        meter.fold()
        assert journals(tmp_path) == []
        meter.count("42", "api_calls", 1)
        meter.unique("42", "users", "user-1")
        assert journals(tmp_path) != before
        meter.flush()

    assert ingest.totals("metric") == {"users": Decimal(3), "api_calls": Decimal(2)}
