"""The audit log: every change leaves its entry, with nothing secret in it; nothing else does."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin.route_table import Route
from fusion_billing.access import keys
from fusion_billing.audit.entry import Actor, Entry, entry_id
from fusion_billing.dynamodb.audit.audit_log import AuditLog, Selection
from local.tables import Tables
from tests.integration.admin.world import CHARGE, METRIC, OF_ODOO, SERVED, SUBSCRIPTION, URL, name_of
from tests.integration.admin.world_fixture import World

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin

pytestmark = pytest.mark.integration

AUDITED = [route for route in SERVED if route.audited is not None and not route.any_query]
CHANGED: dict[str, dict[str, Any]] = {
    "PUT /v1/metrics/{code}": {"query": {"dry_run": "false", "reason": "x"}, "body": {**METRIC, "name": "Calls"}},
    "PUT /v1/charges/{code}": {"query": {"dry_run": "false", "reason": "x"}, "body": {**CHARGE, "name": "Calls"}},
    "PUT /v1/subscriptions/{subscription}": {"body": {**SUBSCRIPTION, "name": "S42"}},
}
"""What makes a route's valid request change something."""
SECRET = keys.generate().text
PLANTED = f"{SECRET} whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw Bearer hunter2hunter2"
SECRETS = (SECRET.rpartition("_")[2], "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "hunter2hunter2")


def entries(admin: "Admin", **query: str) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = admin.get("/v1/audit", query={**query, **cursor}).json
        found += page["items"]
        if page["cursor"] is None:
            return found
        cursor = {"cursor": page["cursor"]}


@pytest.mark.parametrize("route", AUDITED, ids=name_of)
def test_every_change_leaves_an_entry(world: World, route: Route) -> None:
    known = {entry["id"] for entry in entries(world.admin)}
    if route.path == "/v1/sessions":
        signed_in = world.admin.post("/v1/sessions", {"key": world.admin.default_key}).headers["set-cookie"]
        cookie = {"cookie": signed_in.partition(";")[0], "fusion-session": "1"}
        world.admin.delete("/v1/sessions", key="", headers=cookie)
    else:
        answer = world.call(route, **CHANGED.get(name_of(route), {}))
        assert answer.status < 300 or name_of(route) in OF_ODOO, answer.json
    new = [entry for entry in entries(world.admin) if entry["id"] not in known]
    own = [entry for entry in new if entry["action"] == route.operation_id]
    assert own
    assert {entry["actor"] for entry in own} == {world.admin.default_key.split("_")[1]}
    stages = {entry["stage"] for entry in own}
    if route.audited == "in_transaction":
        assert stages == {"done"}
        assert all(entry["before"] != entry["after"] for entry in own) or route.path.endswith("/replay")
    elif route.audited in {"around", "on_behalf"}:
        assert stages == {"requested", "failed" if name_of(route) in OF_ODOO else "done"}


@pytest.mark.parametrize("route", [route for route in SERVED if route.audited is None], ids=name_of)
def test_what_changes_nothing_leaves_no_entry(world: World, route: Route) -> None:
    known = entries(world.admin)
    world.call(route)
    assert entries(world.admin) == known


def test_an_entry_says_who_changed_what_from_what_to_what_and_why(admin: "Admin") -> None:
    admin.put("/v1/metrics/calls", METRIC)
    admin.now += timedelta(minutes=1)
    admin.put("/v1/metrics/calls", {**METRIC, "unit": "request"}, query={"reason": "as on the invoice"})
    entry = entries(admin)[0]
    assert (entry["action"], entry["object"], entry["stage"]) == ("put_metrics_code", "metrics/calls", "done")
    assert (entry["before"], entry["after"]) == ({"unit": "call"}, {"unit": "request"})
    assert (entry["reason"], entry["source"], entry["via"]) == ("as on the invoice", "src_operator", "api_key")


def test_entries_are_listed_as_csv_without_formulas(admin: "Admin") -> None:
    admin.put("/v1/metrics/calls", METRIC, query={"reason": "=HYPERLINK(1)"})
    answer = admin.get("/v1/audit", query={"object": "metrics/calls"}, headers={"accept": "text/csv"})
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["action"], row["object"], row["reason"]) == ("put_metrics_code", "metrics/calls", "'=HYPERLINK(1)")


def test_a_change_that_is_not_made_is_not_logged(admin: "Admin") -> None:
    assert admin.put("/v1/metrics/calls", METRIC).status == 201
    known = entries(admin)
    assert admin.put("/v1/metrics/calls", METRIC).status == 200
    assert admin.put("/v1/metrics/calls", {**METRIC, "name": "x"}, query={"dry_run": "true"}).status == 200
    assert admin.put("/v1/metrics/calls", {**METRIC, "version": 7}).status == 409
    assert admin.put("/v1/metrics/calls", {**METRIC, "aggregation": "no"}).status == 422
    assert entries(admin) == known


def test_voiding_an_own_record_is_left_to_its_revisions(world: World) -> None:
    known = entries(world.admin)
    key = world.admin.key("usage:write", source="src_app")
    assert world.admin.delete("/v1/usage/nexa:42:calls:1", key=key).status == 200
    assert entries(world.admin) == known


def test_no_secret_gets_into_the_log(world: World, dynamodb: DynamoDBClient, tables: Tables) -> None:
    admin = world.admin
    reason = {"reason": PLANTED}
    admin.put("/v1/metrics/planted", {**METRIC, "name": PLANTED, "unit": PLANTED}, query=reason)
    admin.put("/v1/charges/planted", {**CHARGE, "metric": "planted", "name": PLANTED}, query=reason)
    admin.put("/v1/subscriptions/planted", {**SUBSCRIPTION, "odoo_order_id": 9, "name": PLANTED}, query=reason)
    admin.patch("/v1/subscriptions/planted", {"customer_name": PLANTED}, query=reason)
    source = admin.post("/v1/sources", {"name": PLANTED, "plans": [PLANTED]}).json["id"]
    made = admin.post(f"/v1/sources/{source}/keys", {"scopes": ["usage:read"]}).json
    url = f"{URL}/{SECRETS[2]}?token={SECRETS[2]}"
    endpoint = admin.post("/v1/endpoints", {"url": url, "events": ["*"], "description": PLANTED}).json
    admin.patch(f"/v1/endpoints/{endpoint['id']}", {"url": f"{url}&again=1"})
    rotated = admin.post(f"/v1/endpoints/{endpoint['id']}/secret/rotate").json
    admin.delete("/v1/usage/nexa:42:calls", body=None, raw=json.dumps(reason), query={"source": "src_app"})
    admin.post("/v1/sessions", {"key": made["key"]})
    admin.delete(f"/v1/keys/{made['id']}")
    admin.delete(f"/v1/endpoints/{endpoint['id']}")
    shown = json.dumps(entries(admin))
    assert shown.count("[redacted]") > 20
    held = [*SECRETS, made["key"].rpartition("_")[2], endpoint["secret"], rotated["secret"], admin.default_key]
    assert [secret for secret in held if secret in shown] == []
    items = dynamodb.scan(TableName=tables.audit)["Items"]
    assert not [secret for secret in held for item in items if secret in str(item)]


def test_entries_are_listed_by_time_actor_and_object(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables) -> None:
    log = AuditLog(dynamodb, tables.audit)
    first = datetime(2026, 1, 15, tzinfo=UTC)
    made = []
    for number in range(40):
        at = first + timedelta(days=7 * number)
        actor = Actor(f"key{number % 2}", "src_a")
        entry = Entry(
            entry_id(at, bytes(10)), at, actor, "put_metrics_code", f"metrics/m{number % 5}", "done", None, {}
        )
        log.put(entry)
        made.append(entry)
    newest_first = [entry.id for entry in reversed(made)]
    whole = {"from": "2026-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z", "limit": "3"}
    assert [entry["id"] for entry in entries(admin, **whole)] == newest_first
    of_one = entries(admin, **whole, object="metrics/m3", actor="key1")
    assert [entry["id"] for entry in of_one] == [
        e.id for e in reversed(made) if e.object_ == "metrics/m3" and e.actor.key_id == "key1"
    ]
    bounded = entries(admin, **{**whole, "from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"})
    assert [entry["id"] for entry in bounded] == [e.id for e in reversed(made) if e.at.month == 3]


def test_a_long_time_without_entries_is_read_in_bounded_steps(dynamodb: DynamoDBClient, tables: Tables) -> None:
    chosen = Selection(datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    found, following = AuditLog(dynamodb, tables.audit).page(chosen, None, 10)
    assert found == []
    assert following is not None
    assert following.month == "2024-11"


@pytest.mark.parametrize("query", [{"from": "x"}, {"to": "1999-01-01T00:00:00Z"}, {"from": "2026-12-01T00:00:00Z"}])
def test_a_wrong_time_is_refused(admin: "Admin", query: dict[str, str]) -> None:
    assert admin.get("/v1/audit", query=query).code == "invalid_parameter"


def test_an_entry_is_never_written_over(dynamodb: DynamoDBClient, tables: Tables) -> None:
    log, at = AuditLog(dynamodb, tables.audit), datetime(2026, 11, 1, tzinfo=UTC)
    entry = Entry(entry_id(at, bytes(10)), at, Actor("k", "s"), "a", "o", "done")
    log.put(entry)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        log.put(entry)
