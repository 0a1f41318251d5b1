"""What the failure of a whole call means for the lines, the partition and the run."""

from datetime import timedelta

import pytest

from functions.relay.failure_effects import CallFailure, FailureEffect, effect_of
from fusion_billing.errors import Unavailable
from fusion_billing.odoo.errors import (
    ConnectError,
    DatabaseUnavailable,
    GatewayError,
    KeyRejected,
    OrderLocked,
    ReadTimeout,
    SerializationFailure,
    TooManyRequests,
)


@pytest.mark.parametrize(
    ("error", "effect"),
    [
        (ConnectError("refused"), FailureEffect(stops_run=True, opens_circuit=True)),
        (DatabaseUnavailable("no database"), FailureEffect(stops_run=True, opens_circuit=True)),
        (SerializationFailure("conflict"), FailureEffect(postpones=True)),
        (GatewayError("502"), FailureEffect(postpones=True)),
        (ReadTimeout("no response"), FailureEffect(postpones=True, keeps_partition_leased=True)),
        (Unavailable("the table is busy"), FailureEffect(stops_run=True, is_not_written=True)),
        (KeyRejected("expired"), FailureEffect(stops_run=True, needs_operator=True)),
        (OrderLocked("no access to any order"), FailureEffect(stops_run=True, needs_operator=True)),
    ],
)
def test_each_kind_of_failure_has_its_effect(error: CallFailure, effect: FailureEffect) -> None:
    assert effect_of(error) == effect


@pytest.mark.parametrize(("after", "seconds"), [(None, 60), (5, 5), (0, 60), (86400, 3600)])
def test_odoo_says_how_long_to_pause_within_an_hour(after: int | None, seconds: int) -> None:
    effect = effect_of(TooManyRequests("slow down", after=after))
    assert effect == FailureEffect(stops_run=True, postpones=True, pause=timedelta(seconds=seconds))
