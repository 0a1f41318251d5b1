"""`kill -9`, forks, several processes, lost responses, a full disk: the total is the truth, exactly."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from fusion_billing_client import NO_RETRIES, Client, FusionBillingError, LedgerFullError, Meter
from tests.conftest import Ingest
from tests.crash_worker import count_forever, truth_file, truth_of

KILLS = int(os.environ.get("KILLS", "60"))
FAULTS = {"lost": 0.15, "failed": 0.1, "unavailable": 0.1, "unsent": 0.1, "late": 0.1}


@pytest.fixture
def hostile(ingest: Ingest) -> Iterator[Ingest]:
    """An ingest that loses responses, fails, hangs up, and applies old requests again."""
    ingest.faults(**FAULTS)
    yield ingest
    ingest.faults()


def fork_worker(ingest: Ingest, ledger: Path, run: int, truth: Path) -> int:
    child = os.fork()
    if not child:
        try:
            count_forever(ingest.base_url, str(ledger), run, truth)
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(3)
    return child


def kill_after(child: int, seconds: float, *, counted: Callable[[], bool] = lambda: True) -> None:
    """Kill a worker after some seconds, but not before it has `counted`, however busy the machine is."""
    time.sleep(seconds)
    deadline = time.monotonic() + 60
    while not counted():
        assert time.monotonic() < deadline, "the worker does not count"
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the worker ended by itself"


def has_counted(truth: Path, run: int, times: int) -> bool:
    """Return whether so many counts of a run have returned."""
    return truth_of(truth, run)[1] >= times


def flushed(ingest: Ingest, ledger: Path) -> dict[str, Decimal]:
    """Push everything, as the next process does, and return the totals by run."""
    ingest.faults()
    with Client(ingest.base_url, "fb_test_key") as client, Meter(client, ledger, flush_interval=None) as meter:
        report = meter.flush()
        assert report.pending == 0
        assert meter.rejected() == []
        assert meter.status().unreadable == 0
    return ingest.totals("run")


def check(totals: dict[str, Decimal], truth: Path, runs: int) -> int:
    """Compare each run's total with the truth; return the sum of all."""
    for run in range(runs):
        began, returned = truth_of(truth, run)
        total = totals.get(f"run{run}", Decimal(0))
        assert returned <= total <= began, f"run {run}: {total} stored, {returned} returned, {began} begun"
    return int(sum(totals.values()))


def test_kill_9_at_random_points_loses_and_repeats_nothing(hostile: Ingest, tmp_path: Path) -> None:
    chance = random.Random(KILLS)
    ledger, truth = tmp_path / "usage.db", truth_file(tmp_path / "truth", KILLS)
    for run in range(KILLS):
        child = fork_worker(hostile, ledger, run, truth)
        # Every other worker may be killed before its first count.
        kill_after(child, chance.uniform(0.002, 0.12), counted=partial(has_counted, truth, run, 3 * (run % 2)))

    assert check(flushed(hostile, ledger), truth, KILLS) > KILLS
    assert not list((tmp_path / "usage.db-counts").glob("*.counts")), "every journal was folded and removed"


def test_two_processes_on_one_ledger_are_killed_and_lose_nothing(hostile: Ingest, tmp_path: Path) -> None:
    rounds = max(4, KILLS // 10)
    ledger, truth = tmp_path / "usage.db", truth_file(tmp_path / "truth", rounds * 2)
    for run in range(0, rounds * 2, 2):
        children = [fork_worker(hostile, ledger, run + number, truth) for number in range(2)]
        for number, child in enumerate(children):
            kill_after(child, random.uniform(0.01, 0.1), counted=partial(has_counted, truth, run + number, number))

    assert check(flushed(hostile, ledger), truth, rounds * 2) > 0


def test_lost_and_late_responses_count_once(hostile: Ingest, tmp_path: Path) -> None:
    with (
        Client(hostile.base_url, "fb_test_key", retries=NO_RETRIES) as client,
        Meter(client, tmp_path / "usage.db", flush_interval=None) as meter,
    ):
        for step in range(300):
            meter.count("42", "api_calls", 1 + step % 3, run="run0", part=str(step % 7))
            if step % 3 == 0:
                with contextlib.suppress(FusionBillingError):
                    meter.flush()

    assert flushed(hostile, tmp_path / "usage.db") == {"run0": Decimal(600)}


FORKING = """
import os, sys
from fusion_billing_client import Client, Meter

meter = Meter(Client(sys.argv[1], "fb_test_key"), sys.argv[2], flush_interval=0.02)
for _ in range(500):
    meter.count("42", "api_calls")
children = []
for number in range(4):
    child = os.fork()
    if not child:
        for _ in range(300):
            meter.count("42", "api_calls")
        if number % 2:
            meter.close()
        os._exit(0)
    children.append(child)
    for _ in range(100):
        meter.count("42", "api_calls")
for child in children:
    assert os.waitpid(child, 0)[1] == 0
meter.close()
"""


def test_a_process_may_fork_while_it_counts(ingest: Ingest, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING]
    done = subprocess.run(
        [*command, ingest.base_url, str(tmp_path / "usage.db")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    with Client(ingest.base_url, "fb_test_key") as client, Meter(client, tmp_path / "usage.db") as meter:
        meter.flush()

    assert ingest.totals() == {"42": Decimal(500 + 4 * 300 + 4 * 100)}


def test_days_offline_are_pushed_when_the_service_is_back(ingest: Ingest, tmp_path: Path) -> None:
    now = 1_762_160_400.0
    with (
        Client("http://127.0.0.1:9", "fb_test_key", retries=NO_RETRIES) as offline,
        Meter(offline, tmp_path / "usage.db", flush_interval=None, clock=lambda: now) as meter,
    ):
        for hour in range(24 * 5):
            meter.count("42", "api_calls", 2)
            now += 3600
            if hour % 24 == 0:
                with pytest.raises(FusionBillingError):
                    meter.flush()
        assert meter.status().pending == 24 * 5
        assert meter.status().last_error is not None

    with Client(ingest.base_url, "fb_test_key") as client, Meter(client, tmp_path / "usage.db") as meter:
        assert meter.flush().pushed == 24 * 5
    assert ingest.totals() == {"42": Decimal(24 * 5 * 2)}


@pytest.mark.skipif(sys.platform == "darwin", reason="sets a limit of file sizes, as a full disk has one")
def test_a_full_disk_is_a_clear_error_and_nothing_is_lost_or_corrupted(ingest: Ingest, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ledger = tmp_path / "usage.db"
    counted = 0
    with Meter(ingest.client(), ledger, flush_interval=None) as meter:
        meter.count("42", "api_calls", 1)
        meter.fold()
        counted = 1
        [journal] = (tmp_path / "usage.db-counts").glob("*.counts")
        limit = journal.stat().st_size + 1_003  # not a whole number of lines: one is written in part
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with contextlib.suppress(LedgerFullError):
                while counted < 1_000:
                    meter.count("42", "api_calls", 1)
                    counted += 1
            with pytest.raises(LedgerFullError, match="disk is full, nothing was counted"):
                meter.count("42", "api_calls", 1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        meter.count("42", "api_calls", 1)
        counted += 1
        meter.flush()
        assert meter.status().unreadable == 0

    assert 100 < counted < 1_000
    assert ingest.totals() == {"42": Decimal(counted)}
