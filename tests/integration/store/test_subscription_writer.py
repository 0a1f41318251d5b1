"""Subscriptions on DynamoDB: one order is one subscription, whoever writes when; periods close once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.definitions.subscription import Subscription
from fusion_billing.definitions.validation import parse
from fusion_billing.errors import Unavailable
from fusion_billing.store.subscription_writer import INSURANCE_SECONDS, SubscriptionWriter
from fusion_billing.store.subscriptions import OrderTaken, Outdated, SubscriptionStore
from fusion_billing.webhooks.outbox import NOTHING, Prepared
from local.tables import Tables

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)


class Outbox:
    """Notes what it is told; nobody listens."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def prepare(self, type: str, *, data: Any, **_: Any) -> Prepared:  # noqa: A002
        self.told.append((type, dict(data)))
        return NOTHING

    def nudge(self, prepared: Prepared) -> None:
        pass


class Jobs:
    """Notes what it is asked, until it can't be reached any more."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.most = 1_000

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        if len(self.asked) >= self.most:
            raise Unavailable("the queue can't be reached")
        self.asked.append((subscription, delay))


def subscription(id_: str = "42", **changed: Any) -> Subscription:
    body = {
        "odoo_order_id": 42,
        "name": "S00042",
        "partner": "Acme",
        "plan": "Pro",
        "state": "3_progress",
        "currency": "USD",
        "timezone": "America/New_York",
        "start_date": "2026-01-31",
        "billing_period": {"value": 1, "unit": "month"},
        "next_invoice_date": "2026-11-30",
        **changed,
    }
    return parse(Subscription, body, id=id_)


@pytest.fixture
def store(dynamodb: DynamoDBClient, tables: Tables) -> SubscriptionStore:
    return SubscriptionStore(dynamodb, tables.catalogue)


@pytest.fixture
def writer(store: SubscriptionStore) -> SubscriptionWriter:
    return SubscriptionWriter(store, Outbox(), Jobs())


def outbox(writer: SubscriptionWriter) -> Outbox:
    assert isinstance(writer._outbox, Outbox)
    return writer._outbox


def jobs(writer: SubscriptionWriter) -> Jobs:
    assert isinstance(writer._jobs, Jobs)
    return writer._jobs


def test_what_is_saved_is_read_back_whole(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    wanted = subscription(overrides={"calls": {"included_units": "5"}}, end_date="2027-01-31", lang="fr_BE")
    saved = writer.save(wanted, origin="api", now=NOW)
    assert saved.outcome == "created"
    assert store.get("42") == saved.stored
    assert saved.stored.subscription == wanted


def test_an_unchanged_save_writes_and_tells_nothing(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    writer.save(subscription(), origin="api", now=NOW)
    told, asked = len(outbox(writer).told), len(jobs(writer).asked)
    again = writer.save(subscription(), origin="api", now=NOW + timedelta(days=1))
    assert (again.outcome, again.stored.version) == ("unchanged", 1)
    assert (len(outbox(writer).told), len(jobs(writer).asked)) == (told, asked)


def test_an_invoice_closes_the_period_tells_of_it_and_asks_rating_twice(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    first = writer.save(subscription(), origin="odoo", now=NOW)
    jobs(writer).asked.clear()
    outbox(writer).told.clear()
    second = writer.save(subscription(next_invoice_date="2026-12-31"), origin="odoo", now=NOW)
    assert [(p.start, p.end) for p in second.closed] == [
        (first.stored.calendar.open.start, first.stored.calendar.open.end)
    ]
    assert second.stored.calendar.open.start == first.stored.calendar.open.end
    assert jobs(writer).asked == [("42", INSURANCE_SECONDS), ("42", 0)]
    assert [kind for kind, _ in outbox(writer).told] == ["period.invoiced", "subscription.updated"]
    assert outbox(writer).told[0][1] == {
        "period_start": "2026-10-31T04:00:00Z",
        "period_end": "2026-11-30T05:00:00Z",
        "invoiced_at": "2026-12-01T03:00:00Z",
    }
    assert store.get("42") == second.stored


def test_a_save_that_rating_was_told_of_in_advance_stands_where_it_can_not_be_told_again(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    jobs(writer).most = 1
    assert writer.save(subscription(), origin="api", now=NOW).outcome == "created"
    assert jobs(writer).asked == [("42", INSURANCE_SECONDS)]
    with pytest.raises(Unavailable):
        writer.save(subscription(plan="Basic"), origin="api", now=NOW)
    stored = store.get("42")
    assert stored is not None
    assert stored.subscription.plan == "Pro"


def test_a_jump_over_many_periods_closes_each_of_them(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    writer.save(subscription(billing_period={"value": 1, "unit": "day"}), origin="odoo", now=NOW)
    changed = subscription(billing_period={"value": 1, "unit": "day"}, next_invoice_date="2027-02-28")
    saved = writer.save(changed, origin="odoo", now=NOW)
    assert len(saved.closed) == 90
    assert store.get("42") == saved.stored
    assert saved.stored.calendar.open.end == datetime(2027, 2, 28, 5, tzinfo=UTC)


def test_a_jump_cut_short_goes_on_where_it_stopped(
    writer: SubscriptionWriter, store: SubscriptionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    put, left = store.put, [2]

    def put_twice(*args: Any) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        put(*args)

    daily = {"value": 1, "unit": "day"}
    writer.save(subscription(billing_period=daily), origin="odoo", now=NOW)
    jumped = subscription(billing_period=daily, next_invoice_date="2026-12-10")
    monkeypatch.setattr(store, "put", put_twice)
    with pytest.raises(Killed):
        writer.save(jumped, origin="odoo", now=NOW)
    half = store.get("42")
    assert half is not None
    assert half.calendar.open.end < half.calendar.spec.midnight(jumped.next_invoice_date)
    monkeypatch.undo()
    saved = writer.save(jumped, origin="odoo", now=NOW)
    assert len(saved.stored.calendar.known) == 11
    closings = [data["period_start"] for kind, data in outbox(writer).told if kind == "period.invoiced"]
    assert len(set(closings)) == 10


def test_one_order_never_becomes_two(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(subscription("42"), origin="odoo", now=NOW)
    with pytest.raises(OrderTaken):
        writer.save(subscription("other"), origin="api", now=NOW)
    assert store.get("other") is None
    assert store.of_order(42) == "42"


def test_two_that_claim_an_order_at_once_leave_one(
    dynamodb: DynamoDBClient, tables: Tables, store: SubscriptionStore
) -> None:
    def save(id_: str) -> str:
        writer = SubscriptionWriter(SubscriptionStore(dynamodb, tables.catalogue), Outbox(), Jobs())
        try:
            return writer.save(subscription(id_), origin="api", now=NOW).outcome
        except OrderTaken:
            return "taken"

    names = [f"s{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(save, names))
    assert sorted(outcomes) == ["created"] + ["taken"] * 5
    assert [name for name in names if store.get(name) is not None] == [store.of_order(42)]


def test_an_order_given_up_is_free_again(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(subscription("a"), origin="api", now=NOW)
    writer.save(subscription("a", odoo_order_id=43), origin="api", now=NOW)
    writer.save(subscription("b"), origin="api", now=NOW)
    assert (store.of_order(42), store.of_order(43)) == ("b", "a")


def test_a_write_over_what_was_changed_meanwhile_is_refused(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    read = writer.save(subscription(), origin="api", now=NOW).stored
    writer.save(subscription(plan="Basic"), origin="api", now=NOW)
    with pytest.raises(Outdated):
        store.put(read, read)


def test_what_odoo_does_not_know_stays_when_odoo_is_read(writer: SubscriptionWriter) -> None:
    overrides = {"calls": {"included_units": "5"}}
    writer.save(subscription(overrides=overrides), origin="odoo", now=NOW)
    saved = writer.save(subscription(plan="Basic"), origin="odoo", now=NOW)
    assert saved.stored.subscription.plan == "Basic"
    assert saved.stored.subscription.as_json()["overrides"] == overrides
    assert "overrides" not in writer.save(subscription(), origin="api", now=NOW).stored.subscription.as_json()


def test_one_that_stops_is_rated_until_then_and_goes_on_after_a_pause(writer: SubscriptionWriter) -> None:
    assert writer.save(subscription(), origin="odoo", now=NOW).stored.rated_until is None
    later = NOW + timedelta(days=2)
    paused = writer.save(subscription(state="4_paused"), origin="odoo", now=later).stored
    assert paused.rated_until == later
    churned = writer.save(subscription(state="6_churn"), origin="odoo", now=later + timedelta(1)).stored
    assert churned.rated_until == later
    assert writer.save(subscription(), origin="odoo", now=later).stored.rated_until is None


def test_the_end_date_is_the_last_day_rated(writer: SubscriptionWriter) -> None:
    saved = writer.save(subscription(end_date="2026-11-10"), origin="api", now=NOW)
    assert saved.stored.rated_until == datetime(2026, 11, 11, 5, tzinfo=UTC)


def test_a_deleted_one_leaves_its_order_free_and_no_period_behind(
    writer: SubscriptionWriter, store: SubscriptionStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    daily: dict[str, Any] = {"billing_period": {"value": 1, "unit": "day"}}
    writer.save(subscription(**daily), origin="api", now=NOW)
    long_ago = writer.save(subscription(**daily, next_invoice_date="2027-03-31"), origin="api", now=NOW)
    assert len(long_ago.stored.calendar.known) > 100
    store.delete(long_ago.stored)
    assert dynamodb.scan(TableName=tables.catalogue)["Items"] == []


def test_the_list_holds_each_once_in_pages(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    for number in range(30):
        writer.save(subscription(f"s{number}", odoo_order_id=number + 1), origin="api", now=NOW)
    seen = []
    for shard in range(16):
        after: str | None = None
        while True:
            page, after = store.listing(shard, after, 2)
            seen += [one.subscription.id for one in page]
            if after is None:
                break
    assert sorted(seen) == sorted(f"s{number}" for number in range(30))
