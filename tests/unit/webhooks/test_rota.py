from collections.abc import Callable

from fusion_billing.webhooks.fair_scheduler import AT_ONCE, DOUBTFUL_AT_ONCE, WASTE_ALLOWED, FairScheduler


def everything(scheduler: FairScheduler[int]) -> list[tuple[str, int]]:
    taken = []
    while (one := scheduler.take()) is not None:
        taken.append(one)
    return taken


def test_endpoints_are_served_by_turns_one_delivery_each() -> None:
    scheduler = FairScheduler({"a": [1, 2, 3], "b": [4], "c": []})
    assert everything(scheduler) == [("a", 1), ("b", 4)]
    scheduler.done("a", ok=True, seconds=0.1)
    assert everything(scheduler) == [("a", 2), ("a", 3)]


def test_who_takes_deliveries_gets_more_at_once_up_to_a_limit() -> None:
    scheduler = FairScheduler({"a": list(range(100))})
    in_flight = len(everything(scheduler))
    for _ in range(50):
        scheduler.done("a", ok=True, seconds=0.1)
        in_flight += len(everything(scheduler)) - 1
    assert in_flight == AT_ONCE


def test_who_fails_is_back_to_one_at_a_time() -> None:
    scheduler = FairScheduler({"a": list(range(100))})
    for _ in range(20):
        everything(scheduler)
        scheduler.done("a", ok=True, seconds=0.1)
    assert len(everything(scheduler)) == 1
    for _ in range(AT_ONCE - 1):
        scheduler.done("a", ok=False, seconds=0.1)
        assert everything(scheduler) == []
    scheduler.done("a", ok=False, seconds=0.1)
    assert len(everything(scheduler)) == 1


def test_quick_failures_do_not_end_a_turn_but_slow_ones_do() -> None:
    scheduler = FairScheduler({"a": list(range(100))})
    for _ in range(50):
        assert len(everything(scheduler)) == 1
        assert scheduler.done("a", ok=False, seconds=0.01)
    assert len(everything(scheduler)) == 1
    assert not scheduler.done("a", ok=False, seconds=WASTE_ALLOWED)
    assert everything(scheduler) == []


def test_however_many_are_doubtful_they_take_a_part_of_the_threads() -> None:
    names = [f"bad{index}" for index in range(50)]
    scheduler = FairScheduler({**{name: [1] for name in names}, "good": [1]}, doubtful=names)
    taken = [name for name, _ in everything(scheduler)]
    assert taken.count("good") == 1
    assert len(taken) == DOUBTFUL_AT_ONCE + 1
    scheduler.done(taken[0], ok=True, seconds=0.1)
    assert len(everything(scheduler)) == 1


def test_who_begins_to_fail_with_several_under_way_is_counted_among_the_doubtful_for_each() -> None:
    scheduler = FairScheduler(
        {"a": list(range(100)), **{f"bad{index}": [1, 2] for index in range(50)}},
        doubtful=[f"bad{index}" for index in range(50)],
    )
    report: Callable[[str], bool] = lambda name: scheduler.done(name, ok=True, seconds=0.1)  # noqa: E731
    everything(scheduler)
    for _ in range(10):
        report("a")
        everything(scheduler)
    scheduler.done("a", ok=False, seconds=0.1)
    doubtful_under_way = DOUBTFUL_AT_ONCE + AT_ONCE - 1
    for done in range(doubtful_under_way - DOUBTFUL_AT_ONCE):
        scheduler.done(f"bad{done}", ok=False, seconds=0.1)
        assert everything(scheduler) == []
    scheduler.done("bad7", ok=False, seconds=0.1)
    assert len(everything(scheduler)) == 1


def test_who_is_dropped_is_served_no_more() -> None:
    scheduler = FairScheduler({"a": [1, 2]})
    scheduler.take()
    scheduler.drop("a")
    scheduler.done("a", ok=True, seconds=0.1)
    assert scheduler.take() is None
