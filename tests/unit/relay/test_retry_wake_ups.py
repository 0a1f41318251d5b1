"""Retries wake the relay: to the second when they are due soon, and once for those of about the same time."""

from datetime import timedelta

import pytest

from functions.relay.retry_wake_ups import RetryWakeUps
from tests.fakes.clock import START
from tests.fakes.webhooks import FakeWakeUps


@pytest.mark.parametrize(("seconds", "delay"), [(5, 5), (5.2, 6), (-3, 0), (301, 310)])
def test_a_wake_up_is_sent_no_sooner_than_the_retry_is_due(seconds: float, delay: int) -> None:
    sender = FakeWakeUps()
    wake_ups = RetryWakeUps(sender)
    wake_ups.request("ep_1", START + timedelta(seconds=seconds), START)
    wake_ups.send()
    assert sender.sent == [[("ep_1", delay)]]


def test_retries_of_about_the_same_time_share_a_wake_up() -> None:
    sender = FakeWakeUps()
    wake_ups = RetryWakeUps(sender)
    for endpoint, seconds in (("ep_1", 301), ("ep_1", 305), ("ep_2", 301)):
        wake_ups.request(endpoint, START + timedelta(seconds=seconds), START)
    wake_ups.send()
    wake_ups.request("ep_1", START + timedelta(seconds=308), START)
    wake_ups.send()
    assert sender.sent == [[("ep_1", 310), ("ep_2", 310)]]
