"""The lease of a partition: taken once, renewed before it could expire during a call, kept after a timeout."""

from datetime import timedelta

import pytest

from functions.relay.partition_lease import LEASE, LeaseLost, OutOfTime, PartitionLease
from tests.fakes.clock import START, FakeClock
from tests.fakes.leases import FakeLeases

NAME = "LANE#03"


def lease(
    leases: FakeLeases, clock: FakeClock, *, remaining: float = 300.0, call_seconds: float = 20.0
) -> PartitionLease:
    return PartitionLease(leases, 3, clock, lambda: remaining, call_seconds)


def test_a_lease_that_another_run_holds_is_not_taken_or_released() -> None:
    leases = FakeLeases()
    other_run = leases.of_another_owner()
    other_run.take(NAME, START, START + LEASE)
    partition = lease(leases, FakeClock())
    assert not partition.take()
    partition.release()
    assert other_run.held == {NAME: START + LEASE}


def test_a_lease_is_released_when_the_run_ends() -> None:
    leases = FakeLeases()
    partition = lease(leases, FakeClock())
    assert partition.take()
    assert leases.held == {NAME: START + LEASE}
    partition.release()
    assert leases.held == {}


def test_a_lease_is_kept_while_odoo_may_process_a_call() -> None:
    leases, clock = FakeLeases(), FakeClock()
    partition = lease(leases, clock)
    partition.take()
    partition.keep_until(START + timedelta(seconds=120))
    assert partition.is_kept
    partition.release()
    assert leases.held == {NAME: START + timedelta(seconds=120)}


@pytest.mark.parametrize(("elapsed", "renewals"), [(0, 0), (80, 0), (81, 1)])
def test_a_lease_is_renewed_if_it_would_not_outlast_a_call_twice(elapsed: int, renewals: int) -> None:
    leases, clock = FakeLeases(), FakeClock()
    partition = lease(leases, clock)
    partition.take()
    clock.sleep(elapsed)
    assert partition.seconds_for_call() == 20.0
    assert leases.renewals == renewals


def test_a_lease_that_expired_is_lost() -> None:
    leases, clock = FakeLeases(), FakeClock()
    partition = lease(leases, clock)
    partition.take()
    clock.sleep(LEASE.total_seconds())
    with pytest.raises(LeaseLost):
        partition.seconds_for_call()


@pytest.mark.parametrize(("remaining", "call_seconds", "seconds"), [(300.0, 90.0, 60.0), (20.0, 20.0, 12.0)])
def test_a_call_ends_within_half_a_lease_and_within_the_run(
    remaining: float, call_seconds: float, seconds: float
) -> None:
    partition = lease(FakeLeases(), FakeClock(), remaining=remaining, call_seconds=call_seconds)
    partition.take()
    assert partition.seconds_for_call() == seconds


def test_no_call_starts_when_the_run_is_nearly_over() -> None:
    partition = lease(FakeLeases(), FakeClock(), remaining=12.9)
    partition.take()
    with pytest.raises(OutOfTime):
        partition.seconds_for_call()
