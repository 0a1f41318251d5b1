"""Whole stories in this process, so that every call of every function is compared with its role and noted."""

import pytest

from tests.campaign.campaign import play

pytestmark = pytest.mark.integration

# What fails in stories that use rights which no other story does.
FAULTS = ("dynamodb_transaction_conflict", "odoo_unreachable", "odoo_row_rejected", "receiver_gone")


@pytest.mark.parametrize(("seed", "fault"), [(1, None), (2, None), (3, None), *((1, fault) for fault in FAULTS)])
def test_the_functions_keep_to_their_roles_throughout_a_story(seed: int, fault: str | None) -> None:
    assert play(seed, fault).failure is None
