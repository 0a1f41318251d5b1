"""Subscriptions on DynamoDB: one order is one subscription, whoever writes when; periods close once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.application.save_subscription import INSURANCE_SECONDS, SubscriptionWriter
from fusion_billing.application.subscription_plan import Chain, SaveRequest
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder, PlanChange
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.catalog.subscriptions import (
    SubscriptionStore,
)
from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
from fusion_billing.dynamodb.ratings.unbilled import Unbilled
from fusion_billing.errors import AliasTaken, OrderTaken, Unavailable, VersionConflict
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.events.registry import check
from fusion_billing.webhooks.publishing import NOTHING, Prepared
from local.tables import Tables
from tests.rating_definitions import subscription_body

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)


class Outbox:
    """Notes what it is told; nobody listens."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def prepare(self, type: str, *, data: Any, **_: Any) -> Prepared:  # noqa: A002
        self.told.append((type, dict(data)))
        return NOTHING

    def wake_up(self, prepared: Prepared) -> None:
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
    new_york = {"timezone": "America/New_York", "start_date": "2026-01-31", "next_invoice_date": "2026-11-30"}
    body = subscription_body(**{**new_york, **changed})
    return parse(Subscription, body, id=id_)


@pytest.fixture
def store(dynamodb: DynamoDBClient, tables: Tables) -> SubscriptionStore:
    return SubscriptionStore(dynamodb, tables.catalog)


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
    saved = writer.save(SaveRequest(wanted, origin="api", now=NOW))
    assert saved.outcome == "created"
    assert store.get("42") == saved.stored
    assert saved.stored.subscription == wanted


def test_an_unchanged_save_writes_and_tells_nothing(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(SaveRequest(subscription(), origin="api", now=NOW))
    told, asked = len(outbox(writer).told), len(jobs(writer).asked)
    again = writer.save(SaveRequest(subscription(), origin="api", now=NOW + timedelta(days=1)))
    assert (again.outcome, again.stored.version) == ("unchanged", 1)
    assert (len(outbox(writer).told), len(jobs(writer).asked)) == (told, asked)


def test_an_invoice_closes_the_period_tells_of_it_and_asks_rating_twice(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    first = writer.save(SaveRequest(subscription(), origin="odoo", now=NOW))
    jobs(writer).asked.clear()
    outbox(writer).told.clear()
    second = writer.save(SaveRequest(subscription(next_invoice_date="2026-12-31"), origin="odoo", now=NOW))
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
    assert writer.save(SaveRequest(subscription(), origin="api", now=NOW)).outcome == "created"
    assert jobs(writer).asked == [("42", INSURANCE_SECONDS)]
    with pytest.raises(Unavailable):
        writer.save(SaveRequest(subscription(plan="Basic"), origin="api", now=NOW))
    stored = store.get("42")
    assert stored is not None
    assert stored.subscription.plan == "Pro"


def test_a_jump_over_many_periods_closes_each_of_them(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(SaveRequest(subscription(billing_period={"value": 1, "unit": "day"}), origin="odoo", now=NOW))
    changed = subscription(billing_period={"value": 1, "unit": "day"}, next_invoice_date="2027-02-28")
    saved = writer.save(SaveRequest(changed, origin="odoo", now=NOW))
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
    writer.save(SaveRequest(subscription(billing_period=daily), origin="odoo", now=NOW))
    jumped = subscription(billing_period=daily, next_invoice_date="2026-12-10")
    monkeypatch.setattr(store, "put", put_twice)
    with pytest.raises(Killed):
        writer.save(SaveRequest(jumped, origin="odoo", now=NOW))
    half = store.get("42")
    assert half is not None
    assert half.calendar.open.end < half.calendar.spec.midnight(jumped.next_invoice_date)
    monkeypatch.undo()
    saved = writer.save(SaveRequest(jumped, origin="odoo", now=NOW))
    assert len(saved.stored.calendar.known) == 11
    closings = [data["period_start"] for kind, data in outbox(writer).told if kind == "period.invoiced"]
    assert len(set(closings)) == 10


def test_one_order_never_becomes_two(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(SaveRequest(subscription("42"), origin="odoo", now=NOW))
    with pytest.raises(OrderTaken):
        writer.save(SaveRequest(subscription("other"), origin="api", now=NOW))
    assert store.get("other") is None
    assert store.of_order(42) == "42"


def test_two_that_claim_an_order_at_once_leave_one(
    dynamodb: DynamoDBClient, tables: Tables, store: SubscriptionStore
) -> None:
    def save(id_: str) -> str:
        writer = SubscriptionWriter(SubscriptionStore(dynamodb, tables.catalog), Outbox(), Jobs())
        try:
            return writer.save(SaveRequest(subscription(id_), origin="api", now=NOW)).outcome
        except OrderTaken:
            return "taken"

    names = [f"s{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(save, names))
    assert sorted(outcomes) == ["created"] + ["taken"] * 5
    assert [name for name in names if store.get(name) is not None] == [store.of_order(42)]


def test_an_order_given_up_is_free_again(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(SaveRequest(subscription("a"), origin="api", now=NOW))
    writer.save(SaveRequest(subscription("a", odoo_order_id=43), origin="api", now=NOW))
    writer.save(SaveRequest(subscription("b"), origin="api", now=NOW))
    assert (store.of_order(42), store.of_order(43)) == ("b", "a")


def test_a_write_over_what_was_changed_meanwhile_is_refused(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    read = writer.save(SaveRequest(subscription(), origin="api", now=NOW)).stored
    writer.save(SaveRequest(subscription(plan="Basic"), origin="api", now=NOW))
    with pytest.raises(VersionConflict):
        store.put(read, read)


def test_what_odoo_does_not_know_stays_when_odoo_is_read(writer: SubscriptionWriter) -> None:
    overrides = {"calls": {"included_units": "5"}}
    writer.save(SaveRequest(subscription(overrides=overrides), origin="odoo", now=NOW))
    saved = writer.save(SaveRequest(subscription(plan="Basic"), origin="odoo", now=NOW))
    assert saved.stored.subscription.plan == "Basic"
    assert saved.stored.subscription.as_json()["overrides"] == overrides
    assert (
        "overrides" not in writer.save(SaveRequest(subscription(), origin="api", now=NOW)).stored.subscription.as_json()
    )


def test_one_that_stops_is_rated_until_then_and_goes_on_after_a_pause(writer: SubscriptionWriter) -> None:
    assert writer.save(SaveRequest(subscription(), origin="odoo", now=NOW)).stored.rated_until is None
    later = NOW + timedelta(days=2)
    paused = writer.save(SaveRequest(subscription(state="4_paused"), origin="odoo", now=later)).stored
    assert paused.rated_until == later
    churned = writer.save(SaveRequest(subscription(state="6_churn"), origin="odoo", now=later + timedelta(1))).stored
    assert churned.rated_until == later
    assert writer.save(SaveRequest(subscription(), origin="odoo", now=later)).stored.rated_until is None


def test_the_end_date_is_the_last_day_rated(writer: SubscriptionWriter) -> None:
    saved = writer.save(SaveRequest(subscription(end_date="2026-11-10"), origin="api", now=NOW))
    assert saved.stored.rated_until == datetime(2026, 11, 11, 5, tzinfo=UTC)


def test_a_deleted_one_leaves_its_order_free_and_no_period_behind(
    writer: SubscriptionWriter, store: SubscriptionStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    daily: dict[str, Any] = {"billing_period": {"value": 1, "unit": "day"}}
    writer.save(SaveRequest(subscription(**daily), origin="api", now=NOW))
    long_ago = writer.save(SaveRequest(subscription(**daily, next_invoice_date="2027-03-31"), origin="api", now=NOW))
    assert len(long_ago.stored.calendar.known) > 100
    store.delete(long_ago.stored)
    left = {item["pk"]["S"] for item in dynamodb.scan(TableName=tables.catalog)["Items"]}
    assert left == {"HISTORY#SUBSCRIPTION#42"}


def test_the_list_holds_each_once_in_pages(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    for number in range(30):
        writer.save(SaveRequest(subscription(f"s{number}", odoo_order_id=number + 1), origin="api", now=NOW))
    seen = []
    for shard in range(16):
        after: str | None = None
        while True:
            page, after = store.listing(shard, after, 2)
            seen += [one.subscription.id for one in page]
            if after is None:
                break
    assert sorted(seen) == sorted(f"s{number}" for number in range(30))


def item(dynamodb: DynamoDBClient, tables: Tables, name: str) -> dict[str, Any]:
    key = {"pk": {"S": f"S#{name}"}, "sk": {"S": "SUB"}}
    return dynamodb.get_item(TableName=tables.catalog, Key=key).get("Item", {})


def test_a_push_finds_the_bounds_of_its_life_on_the_subscription_and_on_each_alias(
    writer: SubscriptionWriter, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    wanted = subscription(aliases=["acme"], end_date="2026-11-10")
    stored = writer.save(SaveRequest(wanted, origin="api", now=NOW)).stored
    assert stored.aliases == ("acme",)
    bounds = {"starts": {"S": "2026-01-31T05:00:00.000000Z"}, "ends": {"S": "2026-11-11T05:00:00.000000Z"}}
    assert bounds.items() <= item(dynamodb, tables, "42").items()
    alias = {"pk": {"S": "S#acme"}, "sk": {"S": "SUB"}, "alias_of": {"S": "42"}, "plan": {"S": "Pro"}}
    assert item(dynamodb, tables, "acme") == {**alias, **bounds}
    writer.save(SaveRequest(subscription(aliases=["acme"], plan="Basic"), origin="api", now=NOW))
    assert item(dynamodb, tables, "acme") == {
        **alias,
        "plan": {"S": "Basic"},
        "starts": bounds["starts"],
    }
    assert "ends" not in item(dynamodb, tables, "42")
    writer.save(SaveRequest(subscription(), origin="api", now=NOW))
    assert item(dynamodb, tables, "acme") == {}


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        ("3_progress", None),
        ("4_paused", None),
        ("5_renewed", "2026-12-03T03:00:00.000000Z"),
        ("6_churn", "2026-12-03T03:00:00.000000Z"),
    ],
)
def test_usage_is_accepted_while_it_is_paused_and_refused_once_it_is_over(
    writer: SubscriptionWriter, dynamodb: DynamoDBClient, tables: Tables, state: str, ends: str | None
) -> None:
    writer.save(SaveRequest(subscription(), origin="odoo", now=NOW))
    writer.save(SaveRequest(subscription(state=state), origin="odoo", now=NOW + timedelta(days=2)))
    assert item(dynamodb, tables, "42").get("ends", {}).get("S") == ends
    writer.save(SaveRequest(subscription(), origin="odoo", now=NOW + timedelta(days=3)))
    assert "ends" not in item(dynamodb, tables, "42")


def as_stored_before(dynamodb: DynamoDBClient, tables: Tables, name: str) -> None:
    """Rewrite a subscription's item as the first version wrote it."""
    schedule = {"anchor": "2026-01-31", "timezone": "America/New_York", "unit": "month", "value": 1}
    past = {**schedule, "start": "2026-01-31T05:00:00Z"}
    document = subscription(name).as_json()
    document["partner"] = document.pop("customer_name")
    dynamodb.put_item(
        TableName=tables.catalog,
        Item={
            "pk": {"S": f"S#{name}"},
            "sk": {"S": "SUB"},
            "list_pk": item(dynamodb, tables, name)["list_pk"],
            "list_sk": {"S": name},
            "doc": {"S": json.dumps(document)},
            "version": {"N": "1"},
            "origin": {"S": "odoo"},
            "plan": {"S": "Pro"},
            "lattice": {"S": json.dumps({**schedule, "past": past})},
        },
    )


def test_what_an_earlier_version_stored_is_read_and_gets_its_bounds_at_the_next_save(
    writer: SubscriptionWriter, store: SubscriptionStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    writer.save(SaveRequest(subscription(), origin="odoo", now=NOW))
    as_stored_before(dynamodb, tables, "42")
    stored = store.get("42")
    assert stored is not None
    assert (stored.subscription, stored.is_current) == (subscription(), False)
    assert [(order.odoo_order_id, order.kind) for order in stored.chain] == [(42, "initial")]
    told = len(outbox(writer).told)
    saved = writer.save(SaveRequest(subscription(), origin="odoo", now=NOW))
    assert (saved.outcome, saved.stored.version) == ("unchanged", 1)
    assert len(outbox(writer).told) == told
    assert item(dynamodb, tables, "42")["starts"] == {"S": "2026-01-31T05:00:00.000000Z"}
    again = store.get("42")
    assert again is not None
    assert again.is_current


def test_an_alias_is_one_subscription_s(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(SaveRequest(subscription("42", aliases=["acme"]), origin="api", now=NOW))
    for name, aliases in (("43", ["acme"]), ("44", ["42"]), ("acme", None)):
        body = {"odoo_order_id": 99} if aliases is None else {"odoo_order_id": 99, "aliases": aliases}
        with pytest.raises(AliasTaken):
            writer.save(SaveRequest(subscription(name, **body), origin="api", now=NOW))
        assert store.get(name) is None
    found = store.find("acme")
    assert found is not None
    assert (found.id, store.get("acme"), store.alias_of("acme")) == ("42", None, "42")
    assert store.find("x" * 2_000) is None


def test_one_kept_under_a_name_of_its_own_is_found_by_its_order(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    writer.save(SaveRequest(subscription("acme"), origin="api", now=NOW))
    found = store.find("42")
    assert found is not None
    assert (found.id, found.aliases) == ("acme", ("42",))


def test_an_order_whose_id_is_a_subscription_already_gives_no_alias(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    writer.save(SaveRequest(subscription("42", odoo_order_id=7), origin="api", now=NOW))
    saved = writer.save(SaveRequest(subscription("acme"), origin="api", now=NOW))
    assert (saved.outcome, saved.stored.aliases) == ("created", ())
    found = store.find("42")
    assert found is not None
    assert found.subscription.odoo_order_id == 7


def test_a_corrected_start_moves_the_first_period_and_leaves_no_other(
    writer: SubscriptionWriter, store: SubscriptionStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    body = {"timezone": "UTC", "next_invoice_date": "2026-12-01"}
    writer.save(SaveRequest(subscription(start_date="2026-11-15", **body), origin="odoo", now=NOW))
    saved = writer.save(SaveRequest(subscription(start_date="2026-11-01", **body), origin="odoo", now=NOW))
    assert store.get("42") == saved.stored
    assert [str(period.start.date()) for period in saved.stored.calendar.known] == ["2026-11-01"]
    assert saved.stored.calendar.replaced == (datetime(2026, 11, 15, tzinfo=UTC),)
    periods = [
        each["sk"]["S"] for each in dynamodb.scan(TableName=tables.catalog)["Items"] if each["sk"]["S"].startswith("P#")
    ]
    assert periods == ["P#2026-11-01T00:00:00.000000Z"]


def test_plans_are_kept_there_and_back(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(SaveRequest(subscription(), origin="odoo", now=NOW))
    writer.save(SaveRequest(subscription(plan="Basic"), origin="odoo", now=NOW + timedelta(days=1)))
    back = writer.save(SaveRequest(subscription(), origin="odoo", now=NOW + timedelta(days=2))).stored
    assert back.plans == (
        PlanChange("Pro", None),
        PlanChange("Basic", NOW + timedelta(days=1)),
        PlanChange("Pro", NOW + timedelta(days=2)),
    )
    assert store.get("42") == back
    corrected = writer.save(
        SaveRequest(subscription(), origin="api", now=NOW, chain=Chain(plan_from=NOW + timedelta(days=3)))
    ).stored
    assert corrected.plans[-1] == PlanChange("Pro", NOW + timedelta(days=3))


def renewed(**changed: Any) -> Subscription:
    return subscription(odoo_order_id=57, name="S00057", **changed)


RENEWAL = datetime(2026, 11, 30, 5, tzinfo=UTC)
CHAIN = Chain(
    orders=(
        ChainedOrder(42, datetime(2026, 1, 31, 5, tzinfo=UTC), RENEWAL, "initial"),
        ChainedOrder(57, RENEWAL, None, "renewal"),
    ),
    references=("S00057",),
)


def test_a_renewal_joins_the_subscription_and_is_told_of(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    writer.save(SaveRequest(subscription(), origin="odoo", now=NOW))
    saved = writer.save(SaveRequest(renewed(plan="Max"), origin="odoo", now=NOW, chain=CHAIN)).stored
    assert store.get("42") == saved
    assert saved.aliases == ("57", "S00057")
    assert saved.plans == (PlanChange("Pro", None), PlanChange("Max", RENEWAL))
    assert [store.of_order(order) for order in (42, 57)] == ["42", "42"]
    assert {store.find(name).id for name in ("42", "57", "S00057")} == {"42"}  # type: ignore[union-attr]
    again = writer.save(SaveRequest(renewed(plan="Max"), origin="odoo", now=NOW + timedelta(days=1), chain=CHAIN))
    assert again.outcome == "unchanged"
    with pytest.raises(OrderTaken):
        writer.save(SaveRequest(subscription("other", odoo_order_id=57), origin="api", now=NOW))
    store.delete(again.stored)
    assert [store.find(name) for name in ("42", "57", "S00057")] == [None] * 3
    assert [store.of_order(order) for order in (42, 57)] == [None, None]


def test_a_renewal_and_an_end_are_told_of_once(writer: SubscriptionWriter) -> None:
    writer.save(SaveRequest(subscription(), origin="odoo", now=NOW))
    writer.save(SaveRequest(renewed(), origin="odoo", now=NOW, chain=CHAIN))
    writer.save(SaveRequest(renewed(), origin="odoo", now=NOW, chain=CHAIN))
    for _ in range(2):
        writer.save(
            SaveRequest(renewed(state="6_churn", end_date="2026-12-14"), origin="odoo", now=NOW + timedelta(20))
        )
    told = [each for each in outbox(writer).told if each[0] in {"subscription.renewed", "subscription.ended"}]
    assert told == [
        (
            "subscription.renewed",
            {
                "odoo_order_id": 57,
                "previous_odoo_order_id": 42,
                "renewed_at": "2026-11-30T05:00:00Z",
                "plan": "Pro",
                "currency": "USD",
            },
        ),
        (
            "subscription.ended",
            {
                "odoo_order_id": 57,
                "ended_at": "2026-12-15T05:00:00Z",
                "reason": "churned",
                "currency": "USD",
            },
        ),
    ]
    for kind, data in told:
        check(kind, {"subscription": "42", **data})


def test_many_aliases_are_written_though_many_listen(writer: SubscriptionWriter, store: SubscriptionStore) -> None:
    names = [f"a{number}" for number in range(50)]
    writer.save(SaveRequest(subscription(aliases=names), origin="api", now=NOW))
    saved = writer.save(SaveRequest(subscription(aliases=names, plan="Basic"), origin="api", now=NOW)).stored
    found = store.find("a49")
    assert found == saved
    store.delete(saved)
    assert store.find("a0") is None


def test_what_is_unbilled_at_the_end_is_told(
    store: SubscriptionStore, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    writer = SubscriptionWriter(store, Outbox(), Jobs(), unbilled=Unbilled(dynamodb, tables.ratings))
    stored = writer.save(SaveRequest(subscription(), origin="odoo", now=NOW)).stored
    for charge, amount in (("calls", "12.50"), ("calls@2026-09-30T04:00:00Z", "-2.50"), ("seats", "3.00")):
        period = f"R#42#{rfc3339(stored.calendar.open.start)}"
        rating: Any = {"pk": {"S": period}, "sk": {"S": charge}, "amount": {"S": amount}}
        dynamodb.put_item(TableName=tables.ratings, Item=rating)
    writer.save(SaveRequest(subscription(state="6_churn"), origin="odoo", now=NOW))
    [ended] = [data for kind, data in outbox(writer).told if kind == "subscription.ended"]
    assert ended["unbilled_amount"] == "13.00"


def ended(writer: SubscriptionWriter, **changed: Any) -> datetime:
    """Save a subscription that ended; return the start of its open period."""
    writer.save(SaveRequest(subscription(), origin="odoo", now=NOW - timedelta(days=9)))
    saved = writer.save(SaveRequest(subscription(**changed), origin="odoo", now=NOW - timedelta(days=8)))
    jobs(writer).asked.clear()
    outbox(writer).told.clear()
    return saved.stored.calendar.open.start


@pytest.mark.parametrize("changed", [{"state": "6_churn"}, {"end_date": "2026-11-25"}])
def test_a_final_invoice_closes_the_last_period_once(
    writer: SubscriptionWriter, store: SubscriptionStore, changed: dict[str, Any]
) -> None:
    start = ended(writer, **changed)
    assert writer.close_last_period("42", start, now=NOW)
    assert not writer.close_last_period("42", start, now=NOW)
    assert jobs(writer).asked == [("42", INSURANCE_SECONDS), ("42", 0)]
    assert outbox(writer).told == [
        (
            "period.invoiced",
            {
                "period_start": "2026-10-31T04:00:00Z",
                "period_end": "2026-11-30T05:00:00Z",
                "invoiced_at": "2026-12-01T03:00:00Z",
            },
        )
    ]
    stored = store.get("42")
    assert stored is not None
    assert [(period.state, period.every_charge) for period in stored.calendar.known] == [
        ("invoiced", True),
        ("open", False),
    ]
    assert store.history("42")[0]["cause"] == "a period was invoiced"
    assert writer.save(SaveRequest(stored.subscription, origin="odoo", now=NOW)).outcome == "unchanged"


def test_an_invoice_of_a_subscription_that_runs_or_is_unknown_closes_nothing(
    writer: SubscriptionWriter, store: SubscriptionStore
) -> None:
    saved = writer.save(SaveRequest(subscription(end_date="2027-01-31"), origin="odoo", now=NOW))
    assert not writer.close_last_period("42", saved.stored.calendar.open.start, now=NOW)
    assert not writer.close_last_period("43", saved.stored.calendar.open.start, now=NOW)
    assert store.get("42") == saved.stored


def test_a_final_invoice_and_a_synchronisation_at_once_close_the_period_once(
    dynamodb: DynamoDBClient, tables: Tables, store: SubscriptionStore, writer: SubscriptionWriter
) -> None:
    start = ended(writer, state="6_churn")
    moved_on = subscription(state="6_churn", next_invoice_date="2026-12-31")

    def writers() -> SubscriptionWriter:
        return SubscriptionWriter(SubscriptionStore(dynamodb, tables.catalog), Outbox(), Jobs())

    with ThreadPoolExecutor(4) as pool:
        for index in range(8):
            if index % 2:
                pool.submit(lambda: writers().close_last_period("42", start, now=NOW))
            else:
                pool.submit(lambda: writers().save(SaveRequest(moved_on, origin="odoo", now=NOW)))
    stored = store.get("42")
    assert stored is not None
    assert [period.state for period in stored.calendar.known] == ["invoiced", "open"]
    assert stored.subscription == moved_on


@pytest.mark.parametrize("when", ["before", "meanwhile", "never"])
def test_an_end_that_rating_announced_is_not_announced_again(
    store: SubscriptionStore,
    dynamodb: DynamoDBClient,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    announced = AnnouncedEnds(dynamodb, tables.ratings)
    writer = SubscriptionWriter(store, Outbox(), Jobs(), announced=announced)
    writer.save(SaveRequest(subscription(end_date="2026-11-28"), origin="odoo", now=NOW - timedelta(days=9)))
    end = datetime(2026, 11, 29, 5, tzinfo=UTC)
    if when == "before":
        assert announced.announce("42", end, [])
    if when == "meanwhile":
        put = store.put

        def put_after_rating(*args: Any) -> None:
            announced.announce("42", end, [])
            put(*args)

        monkeypatch.setattr(store, "put", put_after_rating)
    churned = subscription(state="6_churn", end_date="2026-11-28")
    assert writer.save(SaveRequest(churned, origin="odoo", now=NOW)).outcome == "updated"
    events = [data for kind, data in outbox(writer).told if kind == "subscription.ended"]
    # What was prepared for a save that was refused is not written.
    assert len(events) == {"before": 0, "meanwhile": 1, "never": 1}[when]
    stored = store.get("42")
    assert stored is not None
    assert (stored.is_over, announced.of("42")) == (True, end)
    assert not announced.announce("42", end, [])
