"""A ledger that was copied, restored, or moved: what is counted afterwards adds up, and replaces nothing."""

import shutil
import socket
from decimal import Decimal
from pathlib import Path

import pytest

from fusion_billing_client import Client, Meter
from tests.conftest import Ingest


def count(ingest: Ingest, path: Path, quantity: int, *, flush: bool = True, times: int = 1) -> None:
    with Client(ingest.base_url, "fb_test_key") as client, Meter(client, path, flush_interval=None) as meter:
        for _ in range(times):
            meter.count("42", "api_calls", quantity)
            meter.fold()
        if flush:
            meter.flush()


def copy(path: Path, to: Path, *, with_folder: bool) -> None:
    to.parent.mkdir(exist_ok=True)
    shutil.copy2(path, to)
    if with_folder:
        shutil.copytree(f"{path}-counts", f"{to}-counts", dirs_exist_ok=True)


@pytest.mark.parametrize("with_folder", [True, False])
def test_a_copy_and_its_original_add_up(ingest: Ingest, tmp_path: Path, with_folder: bool) -> None:
    original, other = tmp_path / "usage.db", tmp_path / "copy" / "usage.db"
    count(ingest, original, 10)
    copy(original, other, with_folder=with_folder)
    for _ in range(3):
        count(ingest, original, 1, times=2)
        count(ingest, other, 100, times=3)

    assert ingest.totals() == {"42": Decimal(10 + 6 + 900)}


@pytest.mark.parametrize("with_folder", [True, False])
@pytest.mark.parametrize("flushed_before", [True, False])
def test_a_restored_backup_counts_on_beside_what_was_pushed(
    ingest: Ingest, tmp_path: Path, with_folder: bool, flushed_before: bool
) -> None:
    path, backup = tmp_path / "usage.db", tmp_path / "backup" / "usage.db"
    count(ingest, path, 10, flush=flushed_before)
    copy(path, backup, with_folder=with_folder)
    count(ingest, path, 5)
    path.unlink()  # the disk is lost
    shutil.rmtree(f"{path}-counts")
    copy(backup, path, with_folder=with_folder)
    for _ in range(4):
        count(ingest, path, 100)

    assert ingest.totals() == {"42": Decimal(15 + 400)}


def test_a_backup_written_over_the_same_file_is_recognized_by_its_witness(ingest: Ingest, tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    count(ingest, path, 10)
    backup = path.read_bytes()
    count(ingest, path, 5)
    path.write_bytes(backup)  # in place: the same inode
    for _ in range(4):
        count(ingest, path, 100)

    assert ingest.totals() == {"42": Decimal(15 + 400)}


def test_a_backup_of_everything_written_in_place_is_recognized_by_the_service(ingest: Ingest, tmp_path: Path) -> None:
    path, witness = tmp_path / "usage.db", tmp_path / "usage.db-counts" / "witness"
    count(ingest, path, 10)
    backup, seen = path.read_bytes(), witness.read_text()
    count(ingest, path, 5, times=3)
    path.write_bytes(backup)
    witness.write_text(seen)
    for _ in range(4):
        count(ingest, path, 100)

    assert ingest.totals() == {"42": Decimal(25 + 400)}


def test_another_host_takes_another_key(ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "usage.db"
    count(ingest, path, 10)
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    count(ingest, path, 1)

    assert sorted(record["quantity"] for record in ingest.records()) == ["1", "10"]


def test_a_restart_on_the_same_host_keeps_the_key(ingest: Ingest, tmp_path: Path) -> None:
    count(ingest, tmp_path / "usage.db", 10)
    count(ingest, tmp_path / "usage.db", 1)

    assert [record["quantity"] for record in ingest.records()] == ["11"]


def test_an_operators_correction_stays_and_new_counts_add_to_it(ingest: Ingest, tmp_path: Path) -> None:
    with (
        Client(ingest.base_url, "fb_test_key") as client,
        Meter(client, tmp_path / "usage.db", flush_interval=None) as meter,
    ):
        meter.count("42", "api_calls", 10)
        meter.flush()
        [record] = ingest.records()
        client.usage.push_batch([{**record, "quantity": "7", "sequence": 1_000}])
        meter.count("42", "api_calls", 2)
        meter.flush()
        [rejected] = meter.rejected()
        meter.count("42", "api_calls", 3)
        meter.flush()

        assert (rejected.code, rejected.quantity, rejected.accepted) == ("foreign_writer", Decimal(12), Decimal(10))
        assert ingest.totals() == {"42": Decimal(7 + 3)}
        assert meter.recount(rejected.key) == Decimal(2)
        meter.flush()
        assert meter.rejected() == []

    assert ingest.totals() == {"42": Decimal(7 + 3 + 2)}
