"""Every charge that applied in an invoiced period is looked at, rated there before or not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.rate.rater import Rater
from functions.rate.rating_writer import Writer
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.messaging.rating_messages import sweep_jobs
from local.capacity import Consumed

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

OCTOBER, NOVEMBER, DECEMBER, JANUARY = "2026-10-01", "2026-11-01", "2026-12-01", "2027-01-01"
JOB = {"job": "subscription", "id": "42"}
PAIR = ChangedPair("42", "api_calls", "2026-11")
_PER_UNIT_20 = {"type": "per_unit", "unit_amount": "0.20"}


def _sweep(world: "World") -> None:
    for message in sweep_jobs():
        world.do(message)


def _later(world: "World", day: str = "2026-12-02") -> None:
    world.now = datetime.fromisoformat(f"{day}T12:30:00+00:00")


def _fees(world: "World") -> None:
    """Define two charges that are due without usage: 7.00 a period."""
    world.metric()
    world.charge("least", minimum_amount="5.00")
    tiers = [{"up_to": None, "unit_amount": "1", "flat_amount": "2"}]
    world.charge("tiers", model={"type": "graduated", "tiers": tiers})
    world.subscribe()


def _adjustments(world: "World", billed_in: str, corrects: str) -> dict[str, Decimal]:
    at = datetime.fromisoformat(f"{billed_in}T00:00:00+00:00")
    of = datetime.fromisoformat(f"{corrects}T00:00:00+00:00")
    found = world.ratings.in_period("42", at)
    return {one.key.charge: one.amount for one in found if one.key.corrects == of}


@pytest.fixture
def two_charges(world: "World") -> "World":
    """A world in which a fee was rated and invoiced in November, and the other charge never was."""
    world.metric()
    world.charge("calls", included_units="1000", model={"type": "per_unit", "unit_amount": "1.30"})
    world.charge("fee", model={"type": "flat", "amount": "5.00"})
    world.subscribe()
    _sweep(world)
    world.acknowledge(charge="fee")
    world.invoice(JANUARY)
    _later(world)
    world.do(JOB)
    assert world.find_rating(charge="calls") is None
    return world


@pytest.mark.parametrize("found_by", ["its marker", "a sweep", "a subscription job"])
def test_late_usage_of_a_charge_that_was_not_rated_is_adjusted(two_charges: "World", found_by: str) -> None:
    two_charges.push("1010")
    match found_by:
        case "its marker":
            two_charges.rate_hour()
        case "a sweep":
            _sweep(two_charges)
        case _:
            two_charges.do(JOB)
    assert _adjustments(two_charges, DECEMBER, NOVEMBER) == {"calls": Decimal("13.00")}
    before = two_charges.rating(DECEMBER, "calls", corrects=NOVEMBER)
    _sweep(two_charges)
    assert two_charges.rating(DECEMBER, "calls", corrects=NOVEMBER) == before


class _KilledBetweenCharges:
    """Ratings of a worker that is killed after it wrote the first charge of a pair."""

    def __init__(self, world: "World") -> None:
        self._ratings = world.ratings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ratings, name)

    def save_many(self, saves: Any, **fields: Any) -> Any:
        self._ratings.save_many(saves[:1], **fields)
        raise KeyboardInterrupt


@pytest.mark.parametrize("sweeps", [False, True])
def test_a_charge_that_a_killed_worker_did_not_reach_is_adjusted(world: "World", sweeps: bool) -> None:
    world.metric()
    world.charge("first")
    world.charge("second", included_units="0")
    world.subscribe()
    world.push("25")
    killed: Any = _KilledBetweenCharges(world)
    with pytest.raises(KeyboardInterrupt):
        Rater(world.sources(), killed, Writer(killed, world.outbox, world.now)).rate_pairs([PAIR])
    world.acknowledge(charge="first")
    world.invoice(JANUARY)
    _later(world)
    _sweep(world) if sweeps else world.do(JOB)
    assert _adjustments(world, DECEMBER, NOVEMBER) == {"second": Decimal("2.50")}


@pytest.mark.parametrize("found_by", ["a sweep", "a subscription job"])
def test_usage_whose_marker_was_lost_is_found_in_a_period_without_a_rating(small_world: "World", found_by: str) -> None:
    small_world.invoice(JANUARY)
    _later(small_world)
    small_world.do(JOB)
    _sweep(small_world)
    small_world.push("25", is_marked=False)
    _sweep(small_world) if found_by == "a sweep" else small_world.do(JOB)
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == {"api_calls": Decimal("1.50")}
    small_world.push("26", is_marked=False)  # a correction whose marker was lost as well
    _sweep(small_world)
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == {"api_calls": Decimal("1.60")}


def test_lost_markers_are_found_in_the_newest_periods_daily_and_in_each_of_thirteen_in_its_turn(world: "World") -> None:
    world.metric()
    world.charge()
    world.subscribe(next_invoice_date="2025-11-01", start_date="2025-01-01")
    world.now = datetime(2025, 10, 20, tzinfo=UTC)
    months = [f"2025-{month}-01" for month in (10, 11, 12)] + [f"2026-{month:02d}-01" for month in range(1, 11)]
    for following in [*months[1:], "2026-11-01"]:
        end = datetime.fromisoformat(following)
        world.invoice(f"{end.year + end.month // 12}-{end.month % 12 + 1:02d}-01")
    world.now = datetime(2026, 11, 10, tzinfo=UTC)
    world.do(JOB)
    _sweep(world)
    for month in months:
        world.push("25", f"{month[:8]}05", is_marked=False)
    _sweep(world)
    found = [month for month in months if _adjustments(world, NOVEMBER, month)]
    assert found[-1] == months[-1]  # the newest, and an older one in its turn
    assert len(found) == 2
    for _ in range(11):
        world.now += timedelta(days=1)
        _sweep(world)
    assert [_adjustments(world, NOVEMBER, month) for month in months] == [{"api_calls": Decimal("1.50")}] * 13


@pytest.mark.parametrize("found_by", ["a sweep", "a subscription job"])
@pytest.mark.parametrize("rated", [False, True])
def test_fees_of_a_period_that_was_invoiced_before_it_was_rated_are_adjusted(
    world: "World", found_by: str, rated: bool
) -> None:
    _fees(world)
    if rated:
        _sweep(world)
    world.invoice("2027-02-01")  # Odoo invoiced November and December before the next sync
    _later(world, "2027-01-02")
    _sweep(world) if found_by == "a sweep" else world.do(JOB)
    fees = {"least": Decimal("5.00"), "tiers": Decimal("2.00")}
    assert _adjustments(world, JANUARY, NOVEMBER) == fees
    assert _adjustments(world, JANUARY, DECEMBER) == fees
    _sweep(world)
    world.do(JOB)
    assert world.line_item([NOVEMBER, DECEMBER, JANUARY], "least") == Decimal("15.00")
    assert world.outbox.data_of("usage.late") == []


def test_fees_of_before_the_subscription_was_first_seen_are_not_due(world: "World") -> None:
    _fees(world)
    world.do(JOB)
    world.push("1", "2026-10-03", metric="other")
    world.do(JOB)
    assert {one.key.corrects for one in world.ratings.in_period("42", datetime(2026, 11, 1, tzinfo=UTC))} == {None}


def test_a_charge_valid_from_later_is_not_due_in_a_period_of_before(small_world: "World") -> None:
    small_world.invoice(JANUARY)
    _later(small_world)
    small_world.charge("fee", model={"type": "flat", "amount": "5"}, valid_from="2026-12-01T00:00:00Z")
    small_world.do(JOB)
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == {}


@pytest.mark.parametrize("usage", [False, True])
def test_a_charge_defined_after_the_invoice_does_not_price_the_invoiced_period(
    small_world: "World", usage: bool
) -> None:
    small_world.invoice(JANUARY)
    _later(small_world)
    small_world.do(JOB)
    small_world.charge("fee", model={"type": "flat", "amount": "5"})
    small_world.metric("seats")
    small_world.charge("seats", metric="seats", included_units="0")
    if usage:
        small_world.push("25")
        small_world.push("10", metric="seats")
    small_world.rate_hour()
    _sweep(small_world)
    small_world.do(JOB)
    due = {"api_calls": Decimal("1.50")} if usage else {}
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == due


def test_a_version_defined_after_the_invoice_does_not_price_the_invoiced_period(small_world: "World") -> None:
    small_world.invoice(JANUARY)
    _later(small_world)
    small_world.do(JOB)
    dear = {"model": {"type": "per_unit", "unit_amount": "9"}, "valid_from": "2026-11-02T00:00:00Z"}
    small_world.charge("api_calls", {}, dear)
    small_world.push("25")
    _sweep(small_world)
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == {"api_calls": Decimal("1.50")}


def test_a_price_changed_before_a_period_opened_holds_where_it_was_invoiced_unopened(
    small_world: "World",
) -> None:
    small_world.push("50", "2026-12-03")
    small_world.rate(ChangedPair("42", "api_calls", "2026-12"))  # to come, and rated at the old price
    small_world.charge("api_calls", {}, {"valid_from": "2026-11-10", "model": _PER_UNIT_20})
    for message in sweep_jobs("api_calls"):
        small_world.do(message)
    small_world.invoice("2027-02-01")  # seen at once: the invoices of November and of December
    small_world.do(JOB)
    assert _adjustments(small_world, JANUARY, DECEMBER) == {"api_calls": Decimal("8.00")}


def test_a_charge_that_no_longer_applied_is_not_due_once_its_period_is_invoiced(world: "World") -> None:
    _fees(world)
    _sweep(world)
    world.charge("least", minimum_amount="5.00", active=False)
    world.charge("tiers", minimum_amount="2.00", active=False)
    _sweep(world)
    assert world.rating(charge="least").amount == 0
    world.invoice(JANUARY)
    world.do(JOB)
    world.push("50", "2026-11-20")  # late, and nobody's
    world.rate()
    assert _adjustments(world, DECEMBER, NOVEMBER) == {}


@pytest.mark.parametrize("thorough", [True, False])
def test_a_charge_rated_ahead_that_no_longer_applies_when_its_period_is_invoiced_is_not_due(
    small_world: "World", thorough: bool
) -> None:
    small_world.charge("pro", applies_to={"plans": ["Pro"]}, minimum_amount="12.00")
    small_world.push("20", "2026-12-03")
    small_world.do(JOB)
    assert small_world.rating(DECEMBER, "pro").amount == Decimal("12.00")
    small_world.change(plan="Basic")
    small_world.do(JOB)
    small_world.invoice("2027-02-01")  # November and, in advance, December
    for message in [JOB] if thorough else sweep_jobs():
        small_world.do(message)
    small_world.do(JOB)
    small_world.push("30", "2026-12-04")  # late, and nobody's
    small_world.rate()
    assert small_world.find_rating(JANUARY, "pro", corrects=DECEMBER) is None


def test_a_period_that_was_closed_in_a_pause_is_due_once_the_subscription_goes_on(world: "World") -> None:
    _fees(world)
    _sweep(world)
    world.change(state="4_paused")
    world.invoice("2027-02-01")  # November and December, the latter in advance
    world.do(JOB)
    world.change(state="3_progress")
    world.do(JOB)
    assert _adjustments(world, JANUARY, DECEMBER) == {"least": Decimal("5.00"), "tiers": Decimal("2.00")}


def test_a_charge_that_a_change_of_plan_in_a_pause_ended_is_not_due_after_it(world: "World") -> None:
    _fees(world)  # of the plan Pro
    world.charge("all", applies_to={"all": True}, minimum_amount="9.00")
    world.invoice(JANUARY)  # in advance: December is open, and all of it is still to come
    world.do(JOB)
    world.change(state="4_paused")
    world.do(JOB)
    world.change(plan="Basic")
    world.do(JOB)
    for charge in ("least", "tiers", "all"):
        world.acknowledge(DECEMBER, charge)  # at nothing
    world.change(state="3_progress", next_invoice_date="2027-02-01")
    world.do(JOB)
    assert _adjustments(world, JANUARY, DECEMBER) == {"all": Decimal("9.00")}


def test_a_charge_that_could_not_be_priced_when_the_period_was_closed_is_adjusted_once_it_can(
    small_world: "World",
) -> None:
    small_world.charge("extra", maximum_amount="1")
    small_world.change("42", overrides={"extra": {"minimum_amount": "5"}})
    small_world.invoice(JANUARY)
    _later(small_world)
    small_world.do(JOB)
    small_world.push("25")
    _sweep(small_world)
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == {"api_calls": Decimal("1.50")}
    small_world.change("42", overrides=None)
    _sweep(small_world)
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == {
        "api_calls": Decimal("1.50"),
        "extra": Decimal("1.00"),
    }


def test_a_sweep_without_changes_reads_little_and_writes_nothing(
    two_charges: "World", metered: tuple[DynamoDBClient, Consumed]
) -> None:
    for invoiced in ("2027-02-01", "2027-03-01", "2027-04-01"):
        two_charges.invoice(invoiced)
    two_charges.do(JOB)
    _sweep(two_charges)
    client, consumed = metered
    quiet = two_charges.on(client)
    quiet.rater().rate_subscription("42")
    # The subscription; metrics and charges; closings; usage of what is invoiced, and of the open period; the
    # ratings of the open period and of the newest invoiced one; and the older one whose turn it is.
    assert consumed.operations == [*["Query"] * 10, "BatchGetItem", "Query"]
    assert consumed.units(two_charges.tables.usage) <= 1
    assert consumed.units(two_charges.tables.ratings) <= 8


@pytest.mark.parametrize(("defined_at", "due"), [("2026-11-28", "5.00"), ("2026-12-02", None)])
def test_a_charge_defined_between_the_invoice_and_its_first_rating_is_not_due(
    small_world: "World", defined_at: str, due: str | None
) -> None:
    _later(small_world, "2026-12-01")
    small_world.invoice(JANUARY)
    at = datetime.fromisoformat(f"{defined_at}T00:00:00+00:00")
    small_world.charge("fee", model={"type": "flat", "amount": "5.00"}, defined_at=at)
    _later(small_world)
    small_world.do(JOB)
    fees = {} if due is None else {"fee": Decimal(due)}
    assert _adjustments(small_world, DECEMBER, NOVEMBER) == fees


def test_a_period_closed_by_an_earlier_release_owes_no_fee_that_was_not_rated(world: "World") -> None:
    _fees(world)
    world.invoice("2027-02-01")
    for start in (NOVEMBER, DECEMBER):
        world.client.update_item(
            TableName=world.tables.catalog,
            Key={"pk": {"S": "S#42"}, "sk": {"S": f"P#{start}T00:00:00.000000Z"}},
            UpdateExpression="REMOVE every_charge",
        )
    _later(world, "2027-01-02")
    _sweep(world)
    world.do(JOB)
    assert _adjustments(world, JANUARY, NOVEMBER) == {}
    assert _adjustments(world, JANUARY, DECEMBER) == {}
    world.push("1", "2026-11-05", is_marked=False)
    for _ in range(12):
        world.now += timedelta(days=1)
        _sweep(world)
    assert _adjustments(world, JANUARY, NOVEMBER) == {"least": Decimal("5.00"), "tiers": Decimal("2.00")}


@pytest.mark.parametrize("seen_between", [False, True])
def test_what_was_rated_ahead_is_not_due_once_its_charge_no_longer_applies(
    small_world: "World", seen_between: bool
) -> None:
    small_world.push("25", "2026-12-05")
    small_world.rate(ChangedPair("42", "api_calls", "2026-12"))
    assert small_world.rating(DECEMBER).amount == Decimal("1.50")
    small_world.charge("api_calls", active=False)
    if seen_between:
        small_world.do(JOB)
        assert small_world.rating(DECEMBER).amount == Decimal(0)
    small_world.invoice("2027-02-01")
    _later(small_world, "2027-01-02")
    small_world.do(JOB)
    assert _adjustments(small_world, JANUARY, DECEMBER) == {}
