"""The port of partition leases: `FakeLeases` and the state table grant and refuse alike."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.relay.ports import PartitionLeases
from fusion_billing.dynamodb.state.leases import Leases
from local.tables import Tables
from tests.fakes.leases import FakeLeases

pytestmark = pytest.mark.integration

NAME = "lines#03"
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def owners(adapter: str, request: pytest.FixtureRequest) -> tuple[PartitionLeases, PartitionLeases]:
    """Return the leases as two owners see them."""
    if adapter == "fake":
        first = FakeLeases()
        return first, first.of_another_owner()
    client = request.getfixturevalue("dynamodb")
    tables: Tables = request.getfixturevalue("tables")
    return Leases(client, tables.state, "run-1"), Leases(client, tables.state, "run-2")


@pytest.fixture
def own(owners: tuple[PartitionLeases, PartitionLeases]) -> PartitionLeases:
    return owners[0]


@pytest.fixture
def others(owners: tuple[PartitionLeases, PartitionLeases]) -> PartitionLeases:
    return owners[1]


def test_a_lease_is_exclusive_until_it_expires(own: PartitionLeases, others: PartitionLeases) -> None:
    assert own.take(NAME, NOW, NOW + MINUTE)

    assert not others.take(NAME, NOW, NOW + MINUTE)
    assert not others.take(NAME, NOW + MINUTE - timedelta(microseconds=1), NOW + 2 * MINUTE)
    assert others.take(NAME, NOW + MINUTE, NOW + 2 * MINUTE)
    assert not own.take(NAME, NOW + MINUTE, NOW + 2 * MINUTE)


def test_an_owner_cannot_take_its_own_lease_twice(own: PartitionLeases) -> None:
    assert own.take(NAME, NOW, NOW + MINUTE)

    assert not own.take(NAME, NOW, NOW + 2 * MINUTE)
    assert own.take(NAME, NOW + MINUTE, NOW + 2 * MINUTE)


def test_leases_of_other_names_are_independent(own: PartitionLeases, others: PartitionLeases) -> None:
    assert own.take(NAME, NOW, NOW + MINUTE)

    assert others.take("lines#04", NOW, NOW + MINUTE)


def test_a_renewed_lease_lasts_longer(own: PartitionLeases, others: PartitionLeases) -> None:
    own.take(NAME, NOW, NOW + MINUTE)

    assert own.renew(NAME, NOW + MINUTE / 2, NOW + 2 * MINUTE)
    assert not others.take(NAME, NOW + MINUTE, NOW + 3 * MINUTE)


def test_an_expired_lease_is_not_renewed(own: PartitionLeases) -> None:
    own.take(NAME, NOW, NOW + MINUTE)

    assert not own.renew(NAME, NOW + MINUTE, NOW + 2 * MINUTE)


def test_a_lease_that_was_never_taken_or_is_another_owners_is_not_renewed(
    own: PartitionLeases, others: PartitionLeases
) -> None:
    assert not own.renew(NAME, NOW, NOW + MINUTE)

    others.take(NAME, NOW, NOW + MINUTE)
    assert not own.renew(NAME, NOW, NOW + 2 * MINUTE)


def test_a_released_lease_is_free_at_once(own: PartitionLeases, others: PartitionLeases) -> None:
    own.take(NAME, NOW, NOW + MINUTE)

    own.give_back(NAME)

    assert others.take(NAME, NOW, NOW + MINUTE)


def test_releasing_another_owners_lease_does_nothing(own: PartitionLeases, others: PartitionLeases) -> None:
    own.take(NAME, NOW, NOW + MINUTE)

    others.give_back(NAME)

    assert not others.take(NAME, NOW, NOW + MINUTE)
    assert own.renew(NAME, NOW, NOW + 2 * MINUTE)


def test_nobody_takes_a_lease_left_closed_before_its_end(own: PartitionLeases, others: PartitionLeases) -> None:
    own.take(NAME, NOW, NOW + MINUTE)

    own.leave_closed(NAME, NOW, NOW + 2 * MINUTE)

    for leases in (own, others):
        assert not leases.take(NAME, NOW + 2 * MINUTE - timedelta(microseconds=1), NOW + 3 * MINUTE)
    assert others.take(NAME, NOW + 2 * MINUTE, NOW + 3 * MINUTE)


def test_leaving_another_owners_lease_closed_does_nothing(own: PartitionLeases, others: PartitionLeases) -> None:
    others.take(NAME, NOW, NOW + MINUTE)

    own.leave_closed(NAME, NOW, NOW + 9 * MINUTE)

    assert own.take(NAME, NOW + MINUTE, NOW + 2 * MINUTE)
