"""What is owed and why, and rating on demand: the admin function, with rating's own worker behind it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin import dependencies as admin_dependencies
from functions.rate import dependencies as rate_dependencies
from fusion_billing.billing.planning import hour_of
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair, ChangedPairs
from fusion_billing.dynamodb.state.planner import PlannerState
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.messaging.messages import rating_job
from local.tables import Tables
from tests.rating_definitions import subscription_body

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin

pytestmark = pytest.mark.integration

SUBSCRIPTION = subscription_body(name="S42", customer_name="Azure Interior")
CHARGE = {
    "name": "API calls",
    "metric": "api_calls",
    "applies_to": {"plans": ["Pro"]},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "10",
    "model": {"type": "per_unit", "unit_amount": "0.10"},
}
UsageRecord = Callable[..., None]


@pytest.fixture
def push(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables) -> UsageRecord:
    """Store a day's counter of subscription 42 and mark its pair."""

    def stored(quantity: str, day: str, *, source: str = "src_app", metric: str = "api_calls", rev: int = 1) -> None:
        start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        pairs = ChangedPairs(dynamodb, tables.markers, shards=16)
        pairs.put(ChangedPair("42", metric, f"{start:%Y-%m}"), hour_of(admin.now))
        revisions = [{"M": {"q": {"N": str(number)}, "at": {"S": rfc3339(start)}}} for number in range(1, rev)] + [
            {"M": {"q": {"N": quantity}, "at": {"S": rfc3339(start)}}}
        ]
        dynamodb.put_item(
            TableName=tables.usage,
            Item={
                "pk": {"S": f"U#{source}#{metric}:{day}"},
                "pair": {"S": f"42#{metric}"},
                "ws": {"S": sortable(start)},
                "we": {"S": sortable(start + timedelta(days=1))},
                "q": {"N": quantity},
                "rev": {"N": str(rev)},
                "at": {"S": rfc3339(start)},
                "tgt": {"S": "-"},
                "hist": {"L": revisions},
            },
        )

    return stored


@pytest.fixture
def work(admin: "Admin", dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Do what is in the rating queue, as the worker does."""
    monkeypatch.setattr(client, "dynamodb", lambda: dynamodb)
    monkeypatch.setattr(client, "make", lambda _: admin.queues)
    monkeypatch.setattr(rate_dependencies, "now", lambda: admin.now)
    cached = (rate_dependencies.worker, rate_dependencies.queue)
    for one in cached:
        one.cache_clear()

    def do() -> None:
        waiting = [body for queue, body in admin.messages if queue == "rating"]
        admin.messages.clear()
        for message in waiting:
            rate_dependencies.worker().do(rating_job(message), has_time=lambda: True)

    yield do
    for one in cached:
        one.cache_clear()


@pytest.fixture
def catalog(admin: "Admin", work: Callable[[], None]) -> "Admin":
    """An admin with a metric, a charge and a subscription, with nothing left in the queue."""
    admin_dependencies.runs.cache_clear()
    assert admin.put("/v1/metrics/api_calls", {"name": "API calls", "unit": "call", "aggregation": "sum"}).status == 201
    assert admin.put("/v1/charges/api_calls", CHARGE).status == 201
    assert admin.put("/v1/subscriptions/42", SUBSCRIPTION).status == 201
    work()
    return admin


def _run(admin: "Admin", work: Callable[[], None], monkeypatch: pytest.MonkeyPatch, body: Any = None) -> Any:
    """Run with a worker that does its work while the answer waits."""
    monkeypatch.setattr("functions.admin.dependencies.time.sleep", lambda _: work())
    admin_dependencies.runs.cache_clear()
    answer = admin.post("/v1/ratings/run", body)
    assert answer.status == 200, answer.json
    return answer.json


def test_a_run_rates_what_was_pushed_a_moment_ago(
    catalog: "Admin", push: UsageRecord, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    push("25", "2026-11-03")
    done = _run(catalog, work, monkeypatch)
    assert (done["status"], done["remaining_tasks"], done["failed"]) == ("done", 0, 0)
    assert done["changed"] == 1
    (rating,) = catalog.get("/v1/subscriptions/42/ratings").json["items"]
    assert (rating["charge"], rating["units"], rating["amount"], rating["version"]) == (
        "api_calls",
        "25",
        "1.50",
        1,
    )
    assert rating["line"] == {
        "id": "42~20261101T000000Z~api_calls",
        "state": "due",
        "odoo_line_id": None,
        "amount": None,
        "version": None,
    }
    assert catalog.get(f"/v1/ratings/runs/{done['run']}").json == done


def test_a_run_that_takes_longer_is_reported_as_running(
    catalog: "Admin", push: UsageRecord, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    push("25", "2026-11-03")
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("functions.admin.dependencies.time.sleep", lambda _: None)
    monkeypatch.setattr("functions.admin.dependencies.time.monotonic", lambda: float(next(clock)))
    admin_dependencies.runs.cache_clear()
    answer = catalog.post("/v1/ratings/run", {"subscription": "42"})
    assert (answer.status, answer.json["status"], answer.json["remaining_tasks"]) == (202, "running", 1)
    assert [body for _, body in catalog.messages] == [{"job": "subscription", "id": "42", "run": answer.json["run"]}]
    work()
    assert catalog.get(f"/v1/ratings/runs/{answer.json['run']}").json["status"] == "done"


def test_a_run_sends_no_messages_for_empty_shards(
    catalog: "Admin",
    push: UsageRecord,
    monkeypatch: pytest.MonkeyPatch,
    tables: Tables,
    dynamodb: DynamoDBClient,
) -> None:
    state = PlannerState(dynamodb, state_table=tables.state, markers_table=tables.markers)
    state.advance(hour_of(catalog.now) - timedelta(hours=2))
    monkeypatch.setattr("functions.admin.dependencies.time.sleep", lambda _: None)
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("functions.admin.dependencies.time.monotonic", lambda: float(next(clock)))
    admin_dependencies.runs.cache_clear()
    push("25", "2026-11-03")
    run = catalog.post("/v1/ratings/run").json
    assert [(body["job"], body["run"]) for _, body in catalog.messages] == [
        ("hour", run["run"]),
        ("sweep", run["run"]),
    ]
    assert run["remaining_tasks"] == 2


def test_a_rating_explains_itself_down_to_its_records_and_their_revisions(
    catalog: "Admin", push: UsageRecord, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    push("25", "2026-11-03", rev=3)
    push("5", "2026-11-04", source="src_other")
    _run(catalog, work, monkeypatch)
    answer = catalog.get("/v1/subscriptions/42/ratings/api_calls").json
    assert (answer["amount"], answer["overage_units"], answer["state"]) == ("2.00", "20", "open")
    assert answer["price"]["versions"][0]["model"] == {"type": "per_unit", "unit_amount": "0.1"}
    assert answer["price"]["metric"]["aggregation"] == "sum"
    assert [(one["version"], one["amount"]) for one in answer["history"]] == [(1, "2.00")]
    assert answer["thresholds_reached"] == ["included:100", "included:80"]
    assert [(one["source"], one["quantity"], one["revision"]) for one in answer["records"]] == [
        ("src_app", "25", 3),
        ("src_other", "5", 1),
    ]
    assert [one["quantity"] for one in answer["records"][0]["history"]] == ["1", "2", "25"]
    for record in answer["records"]:
        assert record["received_at"] == record["history"][-1]["received_at"], "the index does not have it"
    assert answer["records_cursor"] is None
    first = catalog.get("/v1/subscriptions/42/ratings/api_calls", query={"limit": "1"}).json
    second = catalog.get(
        "/v1/subscriptions/42/ratings/api_calls", query={"limit": "1", "cursor": first["records_cursor"]}
    ).json
    assert [one["records"][0]["source"] for one in (first, second)] == ["src_app", "src_other"]


def test_a_source_sees_its_own_records_its_plans_and_its_metrics(
    catalog: "Admin", push: UsageRecord, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    push("25", "2026-11-03")
    push("5", "2026-11-04", source="src_other")
    _run(catalog, work, monkeypatch)
    path = "/v1/subscriptions/42/ratings/api_calls"
    own = catalog.get(path, key=catalog.key("ratings:read", source="src_app"))
    assert [one["source"] for one in own.json["records"]] == ["src_app"]
    elsewhere = catalog.key("ratings:read", source="src_plan", plans=frozenset({"Basic"}))
    for asked in (path, "/v1/subscriptions/42/ratings", "/v1/subscriptions/42/usage"):
        assert catalog.get(asked, key=elsewhere).status == 404
    other = catalog.key("ratings:read", source="src_metric", metrics=frozenset({"storage"}))
    assert catalog.get(path, key=other).status == 404
    assert catalog.get("/v1/subscriptions/42/ratings", key=other).json["items"] == []
    assert catalog.get("/v1/subscriptions/42/usage", key=other).json["metrics"] == []


def test_current_usage_is_shown_with_its_projection(catalog: "Admin", push: UsageRecord) -> None:
    push("25", "2026-11-03")
    catalog.now = datetime(2026, 11, 16, tzinfo=UTC)  # half of the month
    answer = catalog.get("/v1/subscriptions/42/usage").json
    assert (answer["period_start"], answer["period_end"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    (metric,) = answer["metrics"]
    (charge,) = metric.pop("charges")
    projection = {
        "units": "50",
        "included_units": "10",
        "overage_units": "40",
        "amount": "4.00",
        "currency": "USD",
    }
    so_far = {
        "units": "25",
        "included_units": "10",
        "overage_units": "15",
        "amount": "1.50",
        "currency": "USD",
    }
    assert metric == {
        "metric": "api_calls",
        "name": "API calls",
        "unit": "call",
        **so_far,
        "projection": projection,
        "days": [{"date": "2026-11-03", "units": "25"}],
    }
    assert charge == {"charge": "api_calls", "name": "API calls", **so_far, "projection": projection}


def test_a_charge_that_cannot_be_priced_is_shown_with_its_error(catalog: "Admin", push: UsageRecord) -> None:
    push("25", "2026-11-03")
    euros = catalog.put("/v1/subscriptions/42", SUBSCRIPTION | {"currency": "EUR"}, query={"confirm": "currency"})
    assert euros.status == 200
    (metric,) = catalog.get("/v1/subscriptions/42/usage").json["metrics"]
    assert (metric["units"], metric["charges"]) == ("25", [])
    assert metric["unpriced"] == [
        {"charge": "api_calls", "reason": "charge api_calls is in USD, the subscription in EUR"}
    ]


def test_ratings_are_listed_by_period_and_paged(
    catalog: "Admin", push: UsageRecord, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert catalog.put("/v1/charges/more", CHARGE).status == 201
    work()
    push("25", "2026-11-03")
    _run(catalog, work, monkeypatch)
    catalog.now = datetime(2026, 12, 2, tzinfo=UTC)
    assert catalog.put("/v1/subscriptions/42", SUBSCRIPTION | {"next_invoice_date": "2027-01-01"}).status == 200
    push("30", "2026-12-01")
    _run(catalog, work, monkeypatch)
    path = "/v1/subscriptions/42/ratings"
    found: list[tuple[str, str, str | None]] = []
    cursor: dict[str, str] = {}
    while True:
        page = catalog.get(path, query={"limit": "1", **cursor}).json
        found += [
            (one["period_start"][:10], one["charge"], one.get("corrects", {}).get("period_start"))
            for one in page["items"]
        ]
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
    november = "2026-11-01T00:00:00Z"
    assert found == [
        ("2026-12-01", "api_calls", None),
        ("2026-12-01", "api_calls", november),
        ("2026-12-01", "more", None),
        ("2026-12-01", "more", november),
        ("2026-11-01", "api_calls", None),
        ("2026-11-01", "more", None),
    ]
    for asked in ("2026-11-01", november, "2026-11-01T00:00:00+00:00"):
        one_period = catalog.get(path, query={"period_start": asked}).json["items"]
        assert [(one["charge"], one["state"]) for one in one_period] == [
            ("api_calls", "invoiced"),
            ("more", "invoiced"),
        ]
    whole = catalog.get(f"{path}/api_calls", query={"period_start": november}).json
    assert [(one["amount"], one["period_start"]) for one in whole["adjustments"]] == [("1.50", "2026-12-01T00:00:00Z")]
    adjustment = catalog.get(f"{path}/api_calls@{november}").json
    assert (adjustment["amount"], adjustment["corrects"]["amount"]) == ("1.50", "1.50")
    assert [one["quantity"] for one in adjustment["records"]] == ["25"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (("GET", "/v1/subscriptions/none/usage", None, None), 404),
        (("GET", "/v1/subscriptions/none/ratings", None, None), 404),
        (("GET", "/v1/subscriptions/42/ratings/none", None, None), 404),
        (("GET", "/v1/subscriptions/42/ratings/api_calls@x", None, None), 404),
        (("GET", "/v1/subscriptions/42/ratings", None, {"period_start": "yesterday"}), 400),
        (("GET", "/v1/subscriptions/42/ratings", None, {"period_start": "2026-02-30"}), 400),
        (("GET", "/v1/subscriptions/42/ratings", None, {"since": "x"}), 400),
        (("GET", "/v1/ratings/runs/run_none", None, None), 404),
        (("POST", "/v1/ratings/run", {"subscription": "none"}, None), 404),
        (("POST", "/v1/ratings/run", {"subscription": 42}, None), 422),
        (("POST", "/v1/ratings/run", {"all": True, "sweep": "no"}, None), 422),
    ],
)
def test_an_unknown_or_invalid_parameter_is_a_client_error(
    catalog: "Admin", request_: tuple[str, str, Any, Any], status: int
) -> None:
    method, path, body, query = request_
    answer = catalog.call(method, path, body, query=query)
    assert (answer.status, bool(answer.code)) == (status, True)


def test_a_run_needs_the_scope_admin(catalog: "Admin") -> None:
    key = catalog.key("ratings:read", "catalog:write", source="src_app")
    assert catalog.post("/v1/ratings/run", key=key).status == 403
    assert catalog.get("/v1/ratings/runs/run_1", key=key).status == 403


def test_usage_outside_the_subscription_s_life_is_shown_as_unbilled(
    admin: "Admin", catalog: "Admin", push: UsageRecord
) -> None:
    admin.put("/v1/subscriptions/42", {**SUBSCRIPTION, "billed_from": "2026-11-10", "end_date": "2026-11-24"})
    for day in ("2026-03-03", "2026-11-03", "2026-11-20", "2026-11-26"):
        push("15", day)
    (metric,) = admin.get("/v1/subscriptions/42/usage").json["metrics"]
    assert (metric["units"], metric["amount"]) == ("15", "0.50")
    assert metric["unbilled"] == {"units": "45", "records_before": 2, "records_after": 1}


def test_usage_of_the_period_at_an_instant_is_shown(admin: "Admin", catalog: "Admin", push: UsageRecord) -> None:
    push("15", "2026-11-03")
    push("25", "2026-12-03")
    december = admin.get("/v1/subscriptions/42/usage", query={"at": "2026-12-10"}).json
    assert (december["state"], december["period_start"]) == ("upcoming", "2026-12-01T00:00:00Z")
    assert [metric["amount"] for metric in december["metrics"]] == ["1.50"]
    for bad in ("0001-01-01", "9999-12-31T23:59:59.999999Z", "soon"):
        answer = admin.get("/v1/subscriptions/42/usage", query={"at": bad})
        assert (answer.status, answer.code) == (422, "invalid_parameter") or answer.status == 400


@pytest.mark.parametrize("lived", [{}, {"end_date": "2026-11-15"}, {"billed_from": "2026-11-02"}])
def test_a_level_is_shown_in_the_units_it_is_rated_in(admin: "Admin", push: UsageRecord, lived: dict[str, str]) -> None:
    assert admin.put("/v1/metrics/level", {"name": "Level", "aggregation": "time_weighted"}).status == 201
    charge = {**CHARGE, "metric": "level", "included_units": "0"}
    assert admin.put("/v1/charges/level", charge).status == 201
    assert admin.put("/v1/subscriptions/42", {**SUBSCRIPTION, **lived}).status == 201
    for day in ("2026-11-02", "2026-11-03"):
        push("15", day, metric="level")
    [shown] = admin.get("/v1/subscriptions/42/usage").json["metrics"]
    assert shown["units"] == shown["charges"][0]["units"] == "1"
