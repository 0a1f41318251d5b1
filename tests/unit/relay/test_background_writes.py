"""Results are written in the background; one that the table refuses is counted, and its line stays due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from functions.relay.background_writes import BackgroundWrites
from functions.relay.line_results import RunStatistics
from fusion_billing.errors import Unavailable
from tests.fakes.clock import START, FakeClock


def test_a_write_gets_the_time_at_which_it_was_added() -> None:
    times: list[datetime] = []
    clock = FakeClock()
    with ThreadPoolExecutor(1) as writers:
        writes = BackgroundWrites(writers, clock, RunStatistics())
        writes.add(times.append)
        clock.sleep(60)
        writes.wait()
    assert times == [START]


def test_a_write_that_the_table_refuses_is_counted_as_not_written() -> None:
    def refuse(_: datetime) -> None:
        raise Unavailable("the ratings table is busy")

    statistics = RunStatistics()
    times: list[datetime] = []
    with ThreadPoolExecutor(1) as writers:
        writes = BackgroundWrites(writers, FakeClock(), statistics)
        writes.add(refuse)
        writes.add(times.append)
        writes.wait()
    assert (statistics["not_written"], statistics["failed"], times) == (1, 0, [START])


def test_any_other_error_of_a_write_ends_the_run() -> None:
    def break_down(_: datetime) -> None:
        raise KeyError("pk")

    with ThreadPoolExecutor(1) as writers:
        writes = BackgroundWrites(writers, FakeClock(), RunStatistics())
        writes.add(break_down)
        with pytest.raises(KeyError):
            writes.wait()


def test_each_count_of_a_run_has_a_name_of_its_own() -> None:
    assert len(set(RunStatistics.NAMES)) == len(RunStatistics.NAMES)
