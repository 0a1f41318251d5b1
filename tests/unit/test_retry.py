"""Pauses that grow, and end in time."""

from fusion_billing.retry import Deadline


class Time:
    def __init__(self) -> None:
        self.at = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.at

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds


def test_pauses_grow_up_to_a_second_and_vary() -> None:
    time = Time()
    deadline = Deadline(1_000, time.clock, time.pause)
    assert all(deadline.wait(attempt) for attempt in range(20))
    for attempt, pause in enumerate(time.pauses):
        longest = min(1.0, 0.025 * 2**attempt)
        assert longest / 2 <= pause <= longest
    assert len(set(time.pauses)) == 20


def test_no_pause_goes_past_the_end() -> None:
    time = Time()
    deadline = Deadline(2.0, time.clock, time.pause)
    attempt = 0
    while deadline.wait(attempt):
        attempt += 1
    assert time.at < 2.0
    assert not deadline.ended()
    time.at = 2.0
    assert deadline.ended()
