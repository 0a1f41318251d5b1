"""A subscription's whole life: its start and end moved, renewed, ended, and what is billed of it where."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.catalog.subscription_history import ChainedOrder
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.messaging.rating_messages import sweep_jobs

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

NOVEMBER, MID_NOVEMBER, DECEMBER, JANUARY = "2026-11-01", "2026-11-15", "2026-12-01", "2027-01-01"
JOB = {"job": "subscription", "id": "42"}


def _amounts(world: "World", start: str) -> dict[str, Decimal]:
    at = datetime.fromisoformat(f"{start}T00:00:00+00:00")
    return {one.key.name: one.amount for one in world.ratings.in_period("42", at)}


@pytest.fixture
def begun(world: "World") -> "World":
    """A world of a fee, a charge of 1.00 past 10 units, and a subscription that starts on 15 November."""
    world.metric()
    world.charge(model={"type": "per_unit", "unit_amount": "1.00"})
    world.charge("fee", model={"type": "flat", "amount": "5.00"})
    world.subscribe(start_date="2026-11-15")
    return world


@pytest.mark.parametrize("sent", [False, True])
def test_a_start_corrected_before_any_invoice_makes_one_period_one_allowance_one_fee(
    begun: "World", sent: bool
) -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    assert _amounts(begun, MID_NOVEMBER) == {"api_calls": Decimal(5), "fee": Decimal(5)}
    if sent:
        begun.acknowledge(MID_NOVEMBER, "fee")
        begun.acknowledge(MID_NOVEMBER)
    begun.change(start_date="2026-11-01")
    begun.push("15", "2026-11-03")
    begun.do(JOB)
    begun.rate_hour()
    assert _amounts(begun, NOVEMBER) == {"api_calls": Decimal(20), "fee": Decimal(5)}
    assert _amounts(begun, MID_NOVEMBER) == {"api_calls": Decimal(0), "fee": Decimal(0)}
    fee = begun.rating(MID_NOVEMBER, "fee")
    assert fee.line.state == "due"  # it may be in Odoo, and is brought to nothing there
    for message in sweep_jobs():
        begun.do(message)
    assert begun.rating(MID_NOVEMBER, "fee") == fee


@pytest.mark.parametrize("sent", [False, True])
def test_a_start_moved_on_and_back_leaves_the_period_as_it_was(begun: "World", sent: bool) -> None:
    begun.change(start_date="2026-11-01")
    begun.push("15", "2026-11-03")
    begun.do(JOB)
    if sent:
        begun.acknowledge(NOVEMBER)
    begun.change(start_date="2026-11-15")
    begun.push("15", "2026-11-20")
    begun.rate_hour()  # the mark of the usage that lies outside now
    assert begun.line_item([MID_NOVEMBER]) == Decimal(5)
    begun.do(JOB)
    assert begun.line_item([NOVEMBER, MID_NOVEMBER]) == Decimal(5)
    begun.change(start_date="2026-11-01")
    begun.do(JOB)
    begun.rate_hour()
    for message in sweep_jobs():
        begun.do(message)
    assert _amounts(begun, NOVEMBER) == {"api_calls": Decimal(20), "fee": Decimal(5)}
    assert begun.line_item([NOVEMBER, MID_NOVEMBER]) == Decimal(20)
    assert not begun.reported


def test_usage_before_a_later_start_is_not_priced(begun: "World") -> None:
    begun.change(start_date="2026-11-01")
    begun.push("15", "2026-11-03")
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    assert _amounts(begun, NOVEMBER) == {"api_calls": Decimal(20), "fee": Decimal(5)}
    begun.change(start_date="2026-11-15")
    begun.do(JOB)
    begun.rate_hour()
    assert _amounts(begun, MID_NOVEMBER) == {"api_calls": Decimal(5), "fee": Decimal(5)}
    assert set(_amounts(begun, NOVEMBER).values()) == {Decimal(0)}


def test_usage_of_before_billed_from_is_not_billed(begun: "World") -> None:
    begun.change(start_date="2026-01-01", billed_from="2026-11-15")
    for day in ("2026-02-03", "2026-10-03", "2026-11-03", "2026-11-20"):
        begun.push("15", day)
    begun.rate_hour()
    begun.do(JOB)
    for message in sweep_jobs():
        begun.do(message)
    assert _amounts(begun, NOVEMBER) == {"api_calls": Decimal(5), "fee": Decimal(5)}


@pytest.mark.parametrize(
    "how", [{"billed_from": "2026-11-05"}, {"start_date": "2026-11-01"}, {"start_date": "2026-11-20"}]
)
def test_an_adjustment_of_before_the_first_period_follows_a_later_beginning(
    begun: "World", how: dict[str, Any]
) -> None:
    begun.change(start_date="2026-10-15")
    begun.push("15", "2026-10-20")
    begun.rate_hour()
    adjusted = begun.rating(NOVEMBER, corrects="2026-10-01")
    assert adjusted.amount == Decimal(5)
    begun.change(**how)
    begun.do(JOB)
    assert begun.rating(NOVEMBER, corrects="2026-10-01").amount == Decimal(0)
    begun.change(start_date="2026-10-15", billed_from=None)
    for message in sweep_jobs():
        begun.do(message)
    assert begun.rating(NOVEMBER, corrects="2026-10-01").amount == Decimal(5)


def test_what_was_billed_of_before_a_later_beginning_is_given_back(begun: "World") -> None:
    begun.change(start_date="2026-10-15")
    begun.push("15", "2026-10-20")
    begun.rate_hour()
    begun.acknowledge(NOVEMBER, corrects="2026-10-01")
    begun.invoice(JANUARY)
    begun.do(JOB)
    begun.change(billed_from="2026-11-05")
    begun.do(JOB)
    assert begun.rating(DECEMBER, corrects="2026-10-01").amount == Decimal(-5)


@pytest.mark.parametrize("state", ["6_churn", "3_progress"])
def test_what_a_subscription_that_ended_still_owes_is_for_a_final_invoice(begun: "World", state: str) -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    assert not begun.rating(MID_NOVEMBER).document.needs_final_invoice
    begun.now = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
    ended: dict[str, Any] = {"state": state} if state == "6_churn" else {"end_date": "2026-11-24"}
    begun.change(**ended)
    begun.do(JOB)
    stored = begun.rating(MID_NOVEMBER)
    assert (stored.document.needs_final_invoice, stored.amount, stored.line.state) == (True, Decimal(5), "due")
    begun.push("25", "2026-11-21")  # usage of before the end that arrives late
    begun.rate_hour()
    assert begun.rating(MID_NOVEMBER).amount == Decimal(30)
    begun.push("100", "2026-11-26")
    begun.rate_hour()
    assert begun.rating(MID_NOVEMBER).amount == Decimal(30)


def test_an_adjustment_of_a_subscription_that_ended_is_for_its_final_invoice(begun: "World") -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    begun.acknowledge(MID_NOVEMBER)
    begun.acknowledge(MID_NOVEMBER, "fee")
    begun.invoice(JANUARY)
    begun.now = datetime(2026, 12, 3, 12, 30, tzinfo=UTC)
    begun.do(JOB)
    begun.change(state="6_churn")
    begun.push("20", "2026-11-21")
    begun.rate_hour()
    adjusted = begun.rating(DECEMBER, corrects=MID_NOVEMBER)
    assert (adjusted.amount, adjusted.document.needs_final_invoice) == (Decimal(20), True)
    for message in sweep_jobs():
        begun.do(message)
    assert begun.rating(DECEMBER, corrects=MID_NOVEMBER) == adjusted


@pytest.mark.parametrize("invoiced", [False, True])
def test_a_subscription_closed_before_its_start_has_no_amount(begun: "World", invoiced: bool) -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    begun.acknowledge(MID_NOVEMBER, "fee")
    closed = {
        "state": "6_churn",
        "end_date": "2026-11-10",
        **({"next_invoice_date": JANUARY} if invoiced else {}),
    }
    begun.change(**closed)
    begun.do(JOB)
    begun.rate_hour()
    if not invoiced:
        assert _amounts(begun, MID_NOVEMBER) == {"api_calls": Decimal(0), "fee": Decimal(0)}
        return
    assert begun.rating(DECEMBER, "fee", corrects=MID_NOVEMBER).amount == Decimal(-5)
    assert begun.find_rating(DECEMBER, corrects=MID_NOVEMBER) is None


def test_an_end_moved_before_a_period_sets_its_amount_to_zero_and_back(begun: "World") -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    begun.change(end_date="2026-11-17")
    begun.do(JOB)
    begun.rate_hour()
    assert _amounts(begun, MID_NOVEMBER) == {"api_calls": Decimal(0), "fee": Decimal(5)}
    begun.change(end_date=None)
    begun.do(JOB)
    assert _amounts(begun, MID_NOVEMBER) == {"api_calls": Decimal(5), "fee": Decimal(5)}


def test_the_lines_of_a_period_move_to_the_order_that_renews_it(begun: "World") -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    assert begun.rating(MID_NOVEMBER).document.odoo_order_id == 42
    stored = begun.subscriptions.get("42")
    assert stored is not None
    begins, renewed = datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
    orders = (ChainedOrder(42, begins, renewed, "initial"), ChainedOrder(77, renewed, None, "renewal"))
    subscription = stored.subscription.model_copy(update={"odoo_order_id": 77})
    begun.subscriptions.put(
        replace(stored, subscription=subscription, orders=orders, version=stored.version + 1), stored
    )
    begun.do(JOB)
    moved = begun.rating(MID_NOVEMBER)
    assert (moved.document.odoo_order_id, moved.amount, moved.line.state) == (77, Decimal(5), "due")


def test_what_is_billed_is_what_the_invoice_holds(begun: "World") -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    begun.acknowledge(MID_NOVEMBER)
    _set(begun, "billed", "3.00")
    begun.invoice(JANUARY)
    begun.do(JOB)
    assert begun.rating(DECEMBER, corrects=MID_NOVEMBER).amount == Decimal("2.00")


def _sent_and_moved(begun: "World") -> None:
    """Have lines of 5.00 each under 15 November in Odoo, and the start corrected to 1 November."""
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    begun.acknowledge(MID_NOVEMBER)
    begun.acknowledge(MID_NOVEMBER, "fee")
    begun.change(start_date="2026-11-01")
    begun.do(JOB)


def test_what_was_invoiced_under_a_replaced_start_is_billed_of_the_period(begun: "World") -> None:
    _sent_and_moved(begun)
    begun.push("4", "2026-11-03")
    begun.do(JOB)
    begun.invoice(JANUARY)  # before the lines under 15 November were brought to nothing
    for _ in range(2):
        begun.do(JOB)
        for message in sweep_jobs():
            begun.do(message)
    old, new = begun.rating(MID_NOVEMBER), begun.rating(NOVEMBER)
    assert old.frozen
    assert [old.amount, old.billed, new.amount, new.billed] == [Decimal(each) for each in (0, 5, 9, 0)]
    assert begun.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal(4)
    assert begun.find_rating(DECEMBER, "fee", corrects=NOVEMBER) is None
    begun.invoice("2027-02-01")
    begun.do(JOB)
    # No more of it was sent: it is carried on.
    assert begun.rating(JANUARY, corrects=NOVEMBER).amount == Decimal(4)


def test_what_is_read_later_of_an_invoice_under_a_replaced_start_is_followed(begun: "World") -> None:
    _sent_and_moved(begun)
    begun.invoice(JANUARY)
    begun.do(JOB)
    assert begun.find_rating(DECEMBER, corrects=NOVEMBER) is None
    for charge in ("api_calls", "fee"):
        _set(begun, "billed", "0.00", charge)  # the invoice had none of it after all
    for message in sweep_jobs():
        begun.do(message)
    assert _amounts(begun, DECEMBER) == {
        "fee": Decimal(5),
        "api_calls@2026-11-01T00:00:00Z": Decimal(5),
        "fee@2026-11-01T00:00:00Z": Decimal(5),
    }


def test_amounts_invoiced_under_a_replaced_start_of_an_ended_charge_are_credited(
    begun: "World",
) -> None:
    _sent_and_moved(begun)
    begun.charge("fee", active=False, model={"type": "flat", "amount": "5.00"})
    begun.do(JOB)
    begun.client.delete_item(
        TableName=begun.tables.ratings, Key={"pk": {"S": f"R#42#{NOVEMBER}T00:00:00Z"}, "sk": {"S": "fee"}}
    )
    begun.invoice(JANUARY)
    begun.do(JOB)
    assert begun.rating(DECEMBER, "fee", corrects=NOVEMBER).amount == Decimal(-5)


def test_nothing_is_adjusted_while_the_result_of_a_call_is_unknown(begun: "World") -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    _set(begun, "line_intent", "{}")
    begun.invoice(JANUARY)
    begun.now = datetime(2026, 12, 3, 12, 30, tzinfo=UTC)
    begun.do(JOB)
    for message in sweep_jobs():
        begun.do(message)
    assert begun.find_rating(DECEMBER, corrects=MID_NOVEMBER) is None
    assert begun.rating(DECEMBER, "fee", corrects=MID_NOVEMBER).amount == Decimal(5)
    assert begun.rating(MID_NOVEMBER).frozen
    _set(begun, "line_intent", None)
    for message in sweep_jobs():
        begun.do(message)
    assert begun.rating(DECEMBER, corrects=MID_NOVEMBER).amount == Decimal(5)


def test_the_invoices_of_a_period_are_requested_once(begun: "World") -> None:
    begun.do(JOB)
    begun.invoice(JANUARY)
    begun.do(JOB)
    begun.do(JOB)
    begun.push("5", "2026-11-20")
    begun.rate(ChangedPair("42", "api_calls", "2026-11"))
    assert begun.requested_invoices == [("42", datetime(2026, 11, 15, tzinfo=UTC))]


def _set(world: "World", name: str, value: str | None, charge: str = "api_calls") -> None:
    """Write an attribute of a rating as the relay does, or take it away."""
    request: dict[str, Any] = {
        "TableName": world.tables.ratings,
        "Key": {"pk": {"S": "R#42#2026-11-15T00:00:00Z"}, "sk": {"S": charge}},
        "ExpressionAttributeNames": {"#name": name},
    }
    if value is None:
        world.client.update_item(**request, UpdateExpression="REMOVE #name")
        return
    world.client.update_item(
        **request, UpdateExpression="SET #name = :value", ExpressionAttributeValues={":value": {"S": value}}
    )


@pytest.mark.parametrize("earlier_release", [False, True])
def test_a_charge_that_ended_before_the_invoice_is_not_due_after_it(begun: "World", earlier_release: bool) -> None:
    begun.push("15", "2026-11-20")
    begun.do(JOB)
    begun.acknowledge(MID_NOVEMBER)
    begun.charge("fee", active=False, model={"type": "flat", "amount": "5.00"})
    begun.charge(active=False, model={"type": "per_unit", "unit_amount": "1.00"})
    begun.do(JOB)
    assert _amounts(begun, MID_NOVEMBER) == {"api_calls": Decimal(0), "fee": Decimal(0)}
    if earlier_release:
        for charge in ("fee", "api_calls"):
            document = begun.rating(MID_NOVEMBER, charge).document.to_json()
            del document["is_charged"]
            _set(begun, "doc", json.dumps(document), charge)
    begun.invoice(JANUARY)
    begun.now = datetime(2026, 12, 3, 12, 30, tzinfo=UTC)
    begun.push("16", "2026-11-20")
    begun.rate_hour()
    begun.do(JOB)
    # The fee never came onto the order; the other charge did, before it ended, and was invoiced.
    assert begun.find_rating(DECEMBER, "fee", corrects=MID_NOVEMBER) is None
    assert begun.rating(DECEMBER, corrects=MID_NOVEMBER).amount == Decimal(-5)


def test_a_price_that_changed_while_the_subscription_was_paused_is_the_one_after(begun: "World") -> None:
    begun.invoice(JANUARY)  # December is open, though it is still November
    begun.do(JOB)
    begun.acknowledge(DECEMBER, "fee")
    begun.change(state="4_paused")
    begun.do(JOB)
    assert begun.rating(DECEMBER, "fee").amount == Decimal(0)
    begun.acknowledge(DECEMBER, "fee")
    begun.charge("fee", model={"type": "flat", "amount": "7.00"})
    begun.change(state="3_progress", next_invoice_date="2027-02-01")
    begun.do(JOB)
    assert begun.rating(JANUARY, "fee", corrects=DECEMBER).amount == Decimal(7)
