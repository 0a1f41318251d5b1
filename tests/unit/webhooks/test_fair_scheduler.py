from collections.abc import Callable

from fusion_billing.webhooks.fair_scheduler import FAILURE_BUDGET, MAX_CONCURRENT, MAX_CONCURRENT_FAILING, FairScheduler


def take_all(scheduler: FairScheduler[int]) -> list[tuple[str, int]]:
    taken = []
    while (delivery := scheduler.take()) is not None:
        taken.append(delivery)
    return taken


def test_endpoints_are_served_in_turn_one_delivery_each() -> None:
    scheduler = FairScheduler({"a": [1, 2, 3], "b": [4], "c": []})
    assert take_all(scheduler) == [("a", 1), ("b", 4)]
    scheduler.done("a", ok=True, seconds=0.1)
    assert take_all(scheduler) == [("a", 2), ("a", 3)]


def test_each_success_allows_one_more_concurrent_delivery_up_to_a_limit() -> None:
    scheduler = FairScheduler({"a": list(range(100))})
    in_flight = len(take_all(scheduler))
    for _ in range(50):
        scheduler.done("a", ok=True, seconds=0.1)
        in_flight += len(take_all(scheduler)) - 1
    assert in_flight == MAX_CONCURRENT


def test_a_failure_limits_an_endpoint_to_one_delivery_at_a_time() -> None:
    scheduler = FairScheduler({"a": list(range(100))})
    for _ in range(20):
        take_all(scheduler)
        scheduler.done("a", ok=True, seconds=0.1)
    assert len(take_all(scheduler)) == 1
    for _ in range(MAX_CONCURRENT - 1):
        scheduler.done("a", ok=False, seconds=0.1)
        assert take_all(scheduler) == []
    scheduler.done("a", ok=False, seconds=0.1)
    assert len(take_all(scheduler)) == 1


def test_slow_failures_use_up_the_failure_budget_and_quick_ones_do_not() -> None:
    scheduler = FairScheduler({"a": list(range(100))})
    for _ in range(50):
        assert len(take_all(scheduler)) == 1
        assert scheduler.done("a", ok=False, seconds=0.01)
    assert len(take_all(scheduler)) == 1
    assert not scheduler.done("a", ok=False, seconds=FAILURE_BUDGET)
    assert take_all(scheduler) == []


def test_failing_endpoints_together_use_a_limited_number_of_threads() -> None:
    names = [f"bad{index}" for index in range(50)]
    scheduler = FairScheduler({**{name: [1] for name in names}, "good": [1]}, failing=names)
    taken = [name for name, _ in take_all(scheduler)]
    assert taken.count("good") == 1
    assert len(taken) == MAX_CONCURRENT_FAILING + 1
    scheduler.done(taken[0], ok=True, seconds=0.1)
    assert len(take_all(scheduler)) == 1


def test_every_delivery_in_flight_counts_as_failing_once_its_endpoint_fails() -> None:
    scheduler = FairScheduler(
        {"a": list(range(100)), **{f"bad{index}": [1, 2] for index in range(50)}},
        failing=[f"bad{index}" for index in range(50)],
    )
    report: Callable[[str], bool] = lambda name: scheduler.done(name, ok=True, seconds=0.1)  # noqa: E731
    take_all(scheduler)
    for _ in range(10):
        report("a")
        take_all(scheduler)
    scheduler.done("a", ok=False, seconds=0.1)
    failing_in_flight = MAX_CONCURRENT_FAILING + MAX_CONCURRENT - 1
    for done in range(failing_in_flight - MAX_CONCURRENT_FAILING):
        scheduler.done(f"bad{done}", ok=False, seconds=0.1)
        assert take_all(scheduler) == []
    scheduler.done("bad7", ok=False, seconds=0.1)
    assert len(take_all(scheduler)) == 1


def test_a_dropped_endpoint_is_not_served_again() -> None:
    scheduler = FairScheduler({"a": [1, 2]})
    scheduler.take()
    scheduler.drop("a")
    scheduler.done("a", ok=True, seconds=0.1)
    assert scheduler.take() is None
