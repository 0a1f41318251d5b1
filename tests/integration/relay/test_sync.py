"""Subscriptions are read from Odoo: mapped, followed, let go; what can't be read is named."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fusion_billing.application.save_subscription import SubscriptionWriter
from fusion_billing.application.subscription_plan import Chain, SaveRequest
from fusion_billing.application.sync_report import Report
from fusion_billing.application.sync_subscriptions import SubscriptionSync
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
from fusion_billing.dynamodb.ratings.unbilled import Unbilled
from fusion_billing.dynamodb.state.sync import SyncState
from fusion_billing.odoo.subscriptions import key_days_left
from local.rights import acting
from tests.rating_definitions import subscription_body

pytestmark = pytest.mark.integration


class Jobs:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        self.asked.append(subscription)


class Reading:
    """Runs of the synchronisation, by the real clock: the stand-in dates its writes by it."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.store = SubscriptionStore(world.dynamodb, world.tables.catalog)
        self.jobs = Jobs()
        self.writer = SubscriptionWriter(
            self.store,
            world.heard,
            self.jobs,
            unbilled=Unbilled(world.dynamodb, world.tables.ratings),
            announced=AnnouncedEnds(world.dynamodb, world.tables.ratings),
        )
        self.state = SyncState(world.dynamodb, world.tables.state)
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sync(self, remaining: Callable[[], float] = lambda: 300.0) -> SubscriptionSync:
        return SubscriptionSync(self.world.odoo(), self.store, self.writer, self.state, self.now, remaining)

    def run(self, **how: Any) -> Report:
        with acting("relay"):
            return self.sync().run(**how)

    def get(self, subscription: str) -> Any:
        return self.store.get(subscription)

    def put(self, subscription: str, order: int) -> None:
        """Define one by the API."""
        document = subscription_body(order, name="By hand", customer_name="A customer", plan="Gold", currency="EUR")
        wanted = parse(Subscription, document, id=subscription)
        self.writer.save(SaveRequest(wanted, origin="api", now=self.now()))

    def chain(self, subscription: str, *orders: int) -> None:
        """Put orders into a subscription's chain by the API."""
        stored = self.store.get(subscription)
        assert stored is not None
        begin = stored.starts
        links = tuple(
            ChainedOrder(
                order,
                begin + timedelta(days=30 * index),
                None if order == orders[-1] else begin + timedelta(days=30 * index + 30),
                "renewal" if index else "initial",
            )
            for index, order in enumerate(orders)
        )
        running = stored.subscription.model_copy(update={"odoo_order_id": orders[-1]})
        self.writer.save(SaveRequest(running, origin="api", now=self.now(), chain=Chain(orders=links)))


@pytest.fixture
def reading(world: Any) -> Reading:
    """The synchronisation of the world's Odoo."""
    return Reading(world)


def test_a_customer_s_long_name_is_shortened_and_the_subscription_is_billed(world: Any, reading: Reading) -> None:
    world.admin.write("res.partner", [9], {"name": "Ein\nKunde " + "lang " * 80})
    world.admin.write("sale.subscription.plan", [1], {"name": "Pro " * 100})
    world.orders(41, partner_id=9)
    report = reading.run()
    assert (report.created, report.skipped) == (1, [])
    stored = reading.get("41").subscription
    assert str(stored.customer_name).startswith("Ein Kunde lang lang")
    assert len(stored.customer_name) <= 256
    assert str(stored.customer_name).endswith("…")
    assert len(stored.plan) <= 256


def test_an_order_is_read_as_it_is(world: Any, reading: Reading) -> None:
    world.admin.write("res.partner", [1], {"tz": "America/New_York"})
    world.orders(41, partner_id=9, end_date="2027-06-30")
    report = reading.run()
    assert (report.read, report.created, report.skipped) == (1, 1, [])
    stored = reading.get("41")
    assert stored.origin == "odoo"
    assert stored.subscription.as_json() == {
        "id": "41",
        "odoo_order_id": 41,
        "name": "S00041",
        "customer_name": "Ein Kunde",
        "plan": "Pro",
        "state": "3_progress",
        "currency": "USD",
        "timezone": "America/New_York",
        "start_date": "2026-10-01",
        "billing_period": {"value": 1, "unit": "month"},
        "next_invoice_date": "2026-12-01",
        "end_date": "2027-06-30",
        "lang": "de_DE",
    }


def test_a_second_run_reads_only_what_may_have_changed_and_changes_nothing(world: Any, reading: Reading) -> None:
    world.orders(41, 42)
    reading.run()
    assert (reading.run().read, reading.run().unchanged) == (2, 2)
    reading.ahead = timedelta(hours=1)
    reading.run()
    assert reading.run().read == 0


def test_an_invoice_in_odoo_closes_the_period_and_opens_the_next(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    world.admin.invoice_period(41)
    report = reading.run()
    assert (report.updated, report.closed) == (1, 1)
    calendar = reading.get("41").calendar
    closed = calendar.period_holding(datetime(2026, 11, 10, tzinfo=UTC))
    opened = calendar.period_holding(datetime(2026, 12, 10, tzinfo=UTC))
    assert (closed.state, opened.state) == ("invoiced", "open")
    assert closed.end == opened.start
    assert "period.invoiced" in [name for name, _ in world.heard.events]
    assert reading.jobs.asked[-1] == "41"


@pytest.mark.parametrize("state", ["4_paused", "5_renewed", "6_churn"])
def test_a_subscription_that_stops_is_rated_no_further_and_goes_on_when_it_does(
    world: Any, reading: Reading, state: str
) -> None:
    world.orders(41)
    reading.run()
    world.admin.write("sale.order", [41], {"subscription_state": state})
    reading.run()
    assert reading.get("41").subscription.state == state
    assert reading.get("41").rated_until is not None
    world.admin.write("sale.order", [41], {"subscription_state": "3_progress"})
    reading.run()
    assert reading.get("41").rated_until is None


def test_a_cancelled_order_counts_as_churned_whatever_its_subscription_state_says(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    world.admin.write("sale.order", [41], {"state": "cancel"})
    reading.run()
    assert reading.get("41").subscription.state == "6_churn"


def test_a_subscription_defined_by_the_api_under_its_own_id_is_unchanged(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.put("acme", 41)
    report = reading.run()
    assert (report.defined_by_api, report.created) == (1, 0)
    assert reading.get("41") is None
    assert reading.get("acme").subscription.plan == "Gold"


def test_what_the_api_has_defined_under_the_order_s_id_follows_odoo(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.put("41", 41)
    assert reading.run().updated == 1
    assert reading.get("41").subscription.plan == "Pro"
    world.admin.invoice_period(41)
    assert reading.run().closed == 1


@pytest.mark.parametrize(
    "changes", [{"plan_id": None}, {"subscription_state": "1_draft"}, {"subscription_state": None}]
)
def test_values_of_the_api_are_kept_if_odoo_has_none(world: Any, reading: Reading, changes: dict[str, Any]) -> None:
    world.orders(41, **changes)
    reading.put("41", 41)
    report = reading.run()
    assert (report.defined_by_api, report.skipped) == (1, [])
    assert reading.get("41").subscription.plan == "Gold"


def test_an_order_whose_id_is_taken_by_another_is_named(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.put("41", 99)
    [skipped] = reading.run().skipped
    assert skipped["name"] == "S00041"
    assert reading.get("41").subscription.odoo_order_id == 99


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"plan_id": None}, "plan"),
        ({"next_invoice_date": None}, "next_invoice_date"),
        ({"start_date": None}, "start_date"),
        ({"currency_id": 90}, "currency"),
        ({"company_id": 90}, "timezone"),
    ],
)
def test_an_unreadable_subscription_is_reported_and_the_others_are_read(
    world: Any, reading: Reading, changes: dict[str, Any], field: str
) -> None:
    world.admin.seed(
        {
            "res.partner": [{"id": 90, "name": "Lost", "tz": "Mars/Olympus"}],
            "res.currency": [{"id": 90, "name": "ZZZ", "symbol": "Z"}],
            "res.company": [{"id": 90, "name": "Lost", "partner_id": 90, "currency_id": 1}],
        }
    )
    world.orders(41, **changes)
    world.orders(42)
    report = reading.run()
    assert report.created == 1
    [skipped] = report.skipped
    assert (skipped["odoo_order_id"], skipped["name"]) == (41, "S00041")
    assert skipped["reasons"][0].startswith(field)
    assert report.as_dict()["complete"] is True


def test_a_date_hundreds_of_periods_away_is_reported_and_changes_nothing(world: Any, reading: Reading) -> None:
    world.orders(41, 42)
    reading.run()
    before = reading.get("41")
    world.admin.write("sale.order", [41], {"next_invoice_date": "2999-12-31"})
    [skipped] = reading.run(full=True).skipped
    assert (skipped["name"], skipped["reasons"][0][:17]) == ("S00041", "next_invoice_date")
    assert reading.get("41") == before


def test_quotations_are_no_subscriptions_yet(world: Any, reading: Reading) -> None:
    world.orders(41, state="draft", subscription_state="1_draft", next_invoice_date=None)
    report = reading.run()
    assert (report.passed, report.skipped) == (1, [])


def test_a_full_run_lets_go_what_was_deleted_in_odoo(world: Any, reading: Reading) -> None:
    world.orders(41, 42)
    reading.run()
    world.admin.unlink("sale.order", [41])
    assert reading.run(full=True).gone == ["S00041"]
    assert reading.get("41").subscription.state == "6_churn"
    assert reading.get("42").subscription.state == "3_progress"


def test_many_missing_subscriptions_are_taken_for_lost_rights_and_none_is_ended(world: Any, reading: Reading) -> None:
    world.orders(*range(41, 61))
    reading.run()
    world.admin.write("sale.order", [60], {"user_id": 4})
    world.admin.unlink("sale.order", list(range(41, 60)))
    report = reading.run(full=True)
    assert report.alarm == "odoo_no_rights"
    assert report.gone == []


def test_a_user_who_sees_nothing_is_an_alarm(world: Any, reading: Reading) -> None:
    world.orders(41)
    world.key = "own-key"
    assert reading.run().alarm == "odoo_no_rights"
    assert reading.state.since() is None


def test_an_odoo_without_subscriptions_is_reported_without_an_alarm(
    world: Any, reading: Reading, without_subscriptions: Callable[[], None]
) -> None:
    without_subscriptions()
    report = reading.run()
    assert (report.failed, report.alarm) == ("odoo_no_subscriptions", "")
    assert report.as_dict()["complete"] is False


def test_subscriptions_that_were_read_and_are_no_more_are_an_alarm_and_none_is_let_go(
    world: Any, reading: Reading, without_subscriptions: Callable[[], None]
) -> None:
    world.orders(41)
    reading.run()
    without_subscriptions()
    report = reading.run(full=True)
    assert report.alarm == "odoo_no_subscriptions"
    assert reading.get("41").subscription.state == "3_progress"


def test_the_watermark_does_not_move_while_odoo_is_unavailable(world: Any, reading: Reading) -> None:
    world.server.down()
    report = reading.run()
    assert report.failed == "odoo_down"
    assert reading.state.since() is None


def test_a_run_without_time_left_reports_where_it_stopped_and_continues_there(
    world: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusion_billing.application.sync_subscriptions._PAGE", 2)
    world.orders(*range(41, 46))
    first = reading.sync(remaining=lambda: 1.0).run()
    assert (first.read, first.after) == (2, 42)
    assert reading.state.since() is None
    rest = reading.run(full=first.full, after=first.after)
    assert (rest.read, rest.after) == (3, None)
    assert reading.get("45") is not None


def test_pages_cover_everything(world: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusion_billing.application.sync_subscriptions._PAGE", 3)
    world.orders(*range(41, 51))
    assert reading.run().created == 10


def test_the_remaining_days_of_the_key_are_reported(world: Any, reading: Reading) -> None:
    assert key_days_left(world.odoo(), reading.now()) is None
    soon = (reading.now() + timedelta(days=10, hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    world.admin.expire_key("relay-key", soon)
    left = key_days_left(world.odoo(), reading.now())
    assert left is not None
    assert int(left) == 10


def test_overrides_that_only_the_api_knows_survive_a_reading(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    stored = reading.get("41").subscription
    reading.writer.save(
        SaveRequest(
            parse(Subscription, {**stored.as_json(), "overrides": {"api_calls": {"included_units": "5"}}}),
            origin="api",
            now=reading.now(),
        )
    )
    world.admin.write("sale.order", [41], {"end_date": "2027-01-01"})
    reading.run()
    assert reading.get("41").subscription.overrides is not None


@pytest.mark.parametrize("world", ["17.0", "18.0", "19.0"], indirect=True)
@pytest.mark.parametrize("protocol", ["jsonrpc", "xmlrpc"])
def test_the_older_protocols_read_the_same(world: Any, reading: Reading, protocol: str) -> None:
    world.protocol = protocol
    world.orders(41)
    assert reading.run().created == 1
