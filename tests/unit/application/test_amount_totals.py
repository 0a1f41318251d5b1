"""Totals are added up part by part, stored, and taken over by other containers; each says as of when it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from fusion_billing.application import amount_totals
from fusion_billing.application.amount_totals import AmountTotals
from fusion_billing.billing.amount_totals import FRESH, SETTLED_FRESH, Part, PartTotals, RatedAmount, parts_shown
from fusion_billing.billing.attention import MissingCounter

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START, END = datetime(2026, 11, 1, tzinfo=UTC), date(2026, 12, 1)
DECEMBER = Part("2026-12", 3)


@dataclass
class FakeRated:
    """Ratings by part; a position is a number of ratings."""

    parts: dict[Part, list[RatedAmount]] = field(default_factory=dict)
    read: list[Part] = field(default_factory=list)

    def page(self, part: Part, after: int | None, limit: int) -> tuple[Sequence[RatedAmount], int | None]:
        self.read.append(part)
        first = after or 0
        rated = self.parts.get(part, [])
        following = first + limit
        return rated[first:following], following if following < len(rated) else None


@dataclass
class FakeStored:
    """What every container shares."""

    totals: dict[Part, PartTotals] = field(default_factory=dict)

    def get(self, parts: Iterable[Part]) -> dict[Part, PartTotals]:
        return {part: self.totals[part] for part in parts if part in self.totals}

    def put(self, part: Part, totals: PartTotals) -> None:
        self.totals[part] = totals


@dataclass
class Containers:
    """Containers of the function, which share ratings and stored totals."""

    rated: FakeRated = field(default_factory=FakeRated)
    stored: FakeStored = field(default_factory=FakeStored)

    def start(self) -> AmountTotals[int]:
        return AmountTotals(self.rated, self.stored)


def rated(subscription: str, amount: str = "1.10", **changes: object) -> RatedAmount:
    values = RatedAmount(subscription, START, END, "Pro", "USD", Decimal(amount), is_invoiced=False)
    return values._replace(**changes)  # type: ignore[arg-type]


def always() -> bool:
    return True


def never() -> bool:
    return False


def shown(totals: AmountTotals[int], now: datetime = NOW) -> list[tuple[str, str, str, int, int]]:
    return [
        (group.state(now), group.plan, str(total.amount), total.ratings, total.subscriptions)
        for group, total in totals.sums(now)
    ]


def test_a_new_container_shows_complete_totals_without_reading_a_rating() -> None:
    containers = Containers()
    containers.rated.parts[DECEMBER] = [rated(f"s{number}") for number in range(40)]
    containers.start().refresh(NOW, always)
    containers.rated.read.clear()
    later = NOW + 3 * FRESH
    totals = containers.start()
    assert totals.calculated_at(later) is None
    totals.refresh(later, never)
    assert shown(totals) == [("open", "Pro", "44.00", 40, 40)]
    assert (totals.calculated_at(later), containers.rated.read) == (NOW, [])


def test_progress_counts_the_parts_that_were_added_up() -> None:
    totals = Containers().start()
    assert totals.progress(NOW) == (0, 64)
    totals.refresh(NOW, always, shard=3)
    assert totals.progress(NOW) == (4, 64)
    totals.refresh(NOW, always)
    assert totals.progress(NOW) == (64, 64)


def test_adding_up_goes_on_where_the_time_was_over() -> None:
    containers = Containers()
    containers.rated.parts[DECEMBER] = [rated(f"s{number}") for number in range(3 * amount_totals.PAGE)]
    totals, calls = containers.start(), 0
    while totals.calculated_at(NOW) is None:
        left = count(20, -1)
        totals.refresh(NOW, lambda left=left: next(left) > 0)  # type: ignore[misc]
        calls += 1
    assert (calls, len(containers.rated.read)) == (4, len(list(parts_shown(NOW))) + 2)
    assert shown(totals) == [("open", "Pro", "1650.00", 1500, 1500)]


def test_what_was_read_before_newer_totals_were_stored_is_read_again() -> None:
    containers = Containers()
    containers.rated.parts[DECEMBER] = [rated(f"s{number}") for number in range(2 * amount_totals.PAGE)]
    slow, left = containers.start(), count(4, -1)
    slow.refresh(NOW, lambda: next(left) > 0, shard=3)
    assert containers.rated.read.count(DECEMBER) == 1
    later = NOW + 2 * FRESH
    containers.rated.parts[DECEMBER] = [rated(f"s{number}", "3") for number in range(2 * amount_totals.PAGE)]
    containers.start().refresh(later, always)
    slow.refresh(later + FRESH, always)
    assert shown(slow) == [("open", "Pro", "3000", 1000, 1000)]
    assert slow.calculated_at(later + FRESH) == later + FRESH


def test_only_outdated_parts_are_added_up_again_and_the_oldest_first() -> None:
    containers = Containers()
    totals = containers.start()
    containers.rated.parts[DECEMBER] = [rated("a")]
    totals.refresh(NOW, always, shard=3)
    totals.refresh(NOW + FRESH / 2, always)
    containers.rated.read.clear()
    totals.refresh(NOW + FRESH, always)
    assert set(containers.rated.read) == {DECEMBER, Part("2026-11", 3)}
    assert totals.calculated_at(NOW + FRESH) == NOW + FRESH / 2


def test_months_that_are_over_and_invoiced_are_read_once_in_a_long_while() -> None:
    containers = Containers()
    october = Part("2026-10", 3)
    containers.rated.parts[october] = [rated("a", is_invoiced=True, ends=date(2026, 10, 31))]
    totals = containers.start()
    totals.refresh(NOW, always)
    containers.rated.read.clear()
    for later in (FRESH, SETTLED_FRESH):
        totals.refresh(NOW + later, always)
        assert (october in containers.rated.read) is (later == SETTLED_FRESH)


def test_a_month_that_is_over_but_not_invoiced_yet_is_read_like_any_other() -> None:
    containers = Containers()
    october = Part("2026-10", 3)
    containers.rated.parts[october] = [rated("a", ends=date(2026, 10, 31))]
    totals = containers.start()
    totals.refresh(NOW, always)
    containers.rated.read.clear()
    totals.refresh(NOW + FRESH, always)
    assert october in containers.rated.read


def test_an_upcoming_period_is_open_once_it_began() -> None:
    containers = Containers()
    begins = NOW + timedelta(minutes=1)
    containers.rated.parts[DECEMBER] = [rated("a", period_start=begins)]
    totals = containers.start()
    totals.refresh(NOW, always)
    assert [group.state(NOW) for group, _ in totals.sums(NOW)] == ["upcoming"]
    assert [group.state(begins) for group, _ in totals.sums(begins)] == ["open"]


def test_a_subscription_counts_once_however_its_charges_are_mixed() -> None:
    totals = PartTotals(NOW)
    for subscription, currency in [("a", "USD"), ("a", "EUR"), ("a", "USD"), ("b", "USD")]:
        totals.add(rated(subscription, currency=currency))
    assert {group.currency: (total.ratings, total.subscriptions) for group, total in totals.sums.items()} == {
        "USD": (3, 2),
        "EUR": (1, 1),
    }


def test_a_refresh_says_whether_to_go_on_only_if_it_came_forward() -> None:
    totals = Containers().start()
    assert totals.refresh(NOW, never, shard=3) is False
    left = count(2, -1)
    assert totals.refresh(NOW, lambda: next(left) > 0, shard=3) is True
    assert totals.refresh(NOW, always, shard=3) is False


def test_the_months_shown_span_the_turn_of_the_year() -> None:
    assert sorted({part.month for part in parts_shown(datetime(2027, 1, 1, tzinfo=UTC))}) == [
        "2026-11",
        "2026-12",
        "2027-01",
        "2027-02",
    ]


def test_counters_that_no_longer_come_are_listed_and_counted() -> None:
    containers = Containers()
    late, early = (
        MissingCounter(name, "calls", "api_calls", NOW - timedelta(days=days)) for name, days in (("a", 2), ("b", 9))
    )
    containers.rated.parts[DECEMBER] = [
        rated("a", counter=late, expected_by=NOW),
        rated("c", counter=MissingCounter("c", "calls", "api_calls", NOW), expected_by=NOW + timedelta(seconds=1)),
    ]
    containers.rated.parts[Part("2026-12", 4)] = [rated("b", counter=early, expected_by=NOW - timedelta(days=1))] * 25
    containers.start().refresh(NOW, always)
    totals = containers.start()
    totals.refresh(NOW, never)
    assert totals.missing(NOW) == ([early] * 20 + [late], 26)
