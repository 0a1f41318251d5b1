"""Test the main job end to end on the real template: counters arrive over HTTP, overage lines reach Odoo."""

import json
import re
import socket
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from local.demo import catalog, expected
from local.demo.calls import Unexpected
from local.run import Running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# Units, included, overage, amount, and the Odoo line's subtotal, as worked by hand in local/demo/expected.py, written
# once more as a person reads them.
TABLE = {
    ("4101", "api_calls_pro"): "2824 1000 1824 7.30 7.30",
    ("4101", "storage"): "66.25 50 16.25 2.44 2.44",
    ("4102", "api_calls_scale"): "6000 500 5500 35.50 35.50",
    ("4102", "storage"): "73.333 50 23.333 3.50 3.50",
    ("4103", "api_calls_scale"): "624 500 124 1.24 1.24",
    ("4103", "storage"): "1250.1 50 1200.1 180.02 180.02",
    ("4104", "api_calls_pro"): "1230 1000 230 0.92 0.92",
    ("4104", "storage"): "51 50 1 0.15 0.15",
}


def figures(ended: Any) -> dict[tuple[str, str], str]:
    """Return the cells after the period."""
    return {row: " ".join(cells[1:6]) for row, cells in ended.table.items()}


def periods(ended: Any) -> dict[str, tuple[date, date]]:
    """Return the days on which the period of each subscription begins and ends, in its own zone."""
    return {row[0]: parsed(*cells[0].split("/")) for row, cells in ended.table.items()}


def parsed(start: str, end: str) -> tuple[date, date]:
    return date.fromisoformat(start), date.fromisoformat(end)


def test_a_month_of_counters_becomes_the_right_lines(first: Any) -> None:
    assert first.status == 0, first.output
    assert figures(first) == TABLE
    assert "192 created, 2 stale, 193 unchanged, 2 updated" in first.output


def test_the_periods_are_those_of_today(first: Any, place: Any) -> None:
    today = date.fromisoformat(json.loads((place.folder / "demo.json").read_text())["today"])
    assert today in {datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=1)}
    shown = periods(first)
    assert {shown[monthly][0] for monthly in ("4101", "4102")} == {today - timedelta(days=25)}
    assert all(shown[each][0] <= today < shown[each][1] for each in ("4101", "4102", "4103"))
    assert shown["4104"][1] == today - timedelta(days=1)


def test_every_line_and_rating_was_reported_by_a_verified_webhook(first: Any) -> None:
    reported = {
        (message["type"], message["data"]["subscription"], message["data"]["charge"]) for message in first.webhooks
    }

    assert reported == {(event, *row) for event in ("rating.updated", "line.upserted") for row in TABLE}
    assert first.status == 0


def test_a_second_start_keeps_all_data_and_duplicates_nothing(first: Any, second: Any) -> None:
    assert second.status == 0, second.output
    assert figures(second) == TABLE
    assert periods(second) == periods(first)
    assert "6 stale, 383 unchanged" in second.output
    assert second.webhooks == first.webhooks


def test_stopping_ends_every_process(second: Any) -> None:
    assert second.left_over == []


def test_odoo_has_one_line_per_charge(running: Running) -> None:
    orders = [subscription["odoo_order_id"] for subscription in catalog.SUBSCRIPTIONS.values()]
    lines = running.odoo.control("read", model="sale.order.line", domain=[["order_id", "in", orders]])

    assert len(lines) == len(TABLE)


# Each route that reads, and what it must answer with: whatever a role lacks ends as a 500 or a 503.
READS = (
    "/v1/health",
    "/openapi.json",
    "/v1/metrics",
    "/v1/metrics/api_calls",
    "/v1/charges",
    "/v1/charges/storage",
    "/v1/subscriptions",
    "/v1/subscriptions/4101",
    "/v1/subscriptions/4101/usage",
    "/v1/subscriptions/4101/ratings",
    "/v1/subscriptions/4101/ratings/api_calls_pro",
    "/v1/usage/demo:4101:api_calls:5",
    "/v1/usage?subscription=4101&metric=api_calls&from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z",
    "/v1/endpoints",
    "/v1/sources",
    "/v1/lines?state=failed",
    "/v1/lines?state=sent",
    "/v1/overview",
    "/v1/audit",
)


@pytest.mark.parametrize("path", ["/console", "/docs", "/portal"])
def test_the_pages_are_served_with_their_files(running: Running, path: str) -> None:
    browser = requests.Session()
    browser.trust_env = False  # no proxy stands between this machine and itself
    page = browser.get(running.cloud.base_url + path, timeout=60)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    address = re.search(r'src="([^"]+\.js)"', page.text)
    assert address is not None
    script = browser.get(urljoin(page.url, address[1]), timeout=60)
    assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")


@pytest.mark.parametrize("path", READS)
def test_every_list_can_be_read_with_the_rights_of_the_template(running: Running, path: str) -> None:
    assert running.service.call("GET", path) is not None


def test_a_corrected_counter_shows_its_history(running: Running) -> None:
    record = running.service.call("GET", "/v1/usage/demo:4101:api_calls:5")

    assert json.dumps(record).count('"106"') == 1
    assert record["quantity"] == "206"


def test_an_operator_can_work_with_the_rights_of_the_template(running: Running) -> None:
    call = running.service.call
    source = call("POST", "/v1/sources", {"name": "an app"})
    key = call("POST", f"/v1/sources/{source['id']}/keys", {"scopes": ["usage:write"]})
    assert call("DELETE", f"/v1/keys/{key['id']}") is None
    endpoint = call("POST", "/v1/endpoints", {"url": "http://127.0.0.1:9/nobody", "events": ["endpoint.test"]})
    call("PATCH", f"/v1/endpoints/{endpoint['id']}", {"description": "no one listens there"})
    call("POST", f"/v1/endpoints/{endpoint['id']}/secret/rotate", {})
    call("POST", f"/v1/endpoints/{endpoint['id']}/test", {})
    call("GET", f"/v1/endpoints/{endpoint['id']}/deliveries")
    call("POST", f"/v1/endpoints/{endpoint['id']}/replay", {"since": "2026-01-01T00:00:00Z"})
    assert call("DELETE", f"/v1/endpoints/{endpoint['id']}") is None
    call("PUT", "/v1/metrics/of_no_use", {"name": "Of no use", "unit": "x", "aggregation": "sum"})
    assert call("DELETE", "/v1/metrics/of_no_use") is None
    with pytest.raises(Unexpected, match="in_use"):
        call("DELETE", "/v1/metrics/api_calls")


def test_subscriptions_are_read_from_odoo_and_lines_compared_with_it(running: Running) -> None:
    running.service.call("POST", "/v1/subscriptions/sync", {})

    starts = {row.period_start for row in expected.rows(running.today) if row.subscription == "4101"}
    body = {"subscription": "4101", "period_start": starts.pop()}
    assert running.service.call("POST", "/v1/lines/reconcile", body) is not None


@pytest.mark.parametrize(
    ("function", "event"),
    [
        ("RateFunction", {"job": "plan"}),
        ("RateFunction", {"job": "sweep"}),
        ("RelayFunction", {"job": "relay"}),
        ("RelayFunction", {"job": "sync"}),
        ("RelayFunction", {"job": "sync", "full": True}),
        ("RelayFunction", {"job": "guard"}),
        ("RelayFunction", {"job": "guard", "closing": True}),
    ],
)
def test_the_functions_accept_what_the_schedules_send(running: Running, function: str, event: dict[str, Any]) -> None:
    answer = running.cloud.client("lambda").invoke(
        FunctionName=running.cloud.outputs[function], Payload=json.dumps(event).encode()
    )

    assert "FunctionError" not in answer, answer["Payload"].read()


@pytest.mark.parametrize("function", ["IngestFunction", "RateFunction", "RelayFunction", "AdminFunction"])
def test_a_function_serves_the_version_that_was_published_last(running: Running, function: str) -> None:
    functions, alias_arn = running.cloud.client("lambda"), running.cloud.outputs[function]
    name, _, alias = alias_arn.partition(":function:")[2].partition(":")
    published = [version["Version"] for version in functions.list_versions_by_function(FunctionName=name)["Versions"]]
    serving = functions.get_alias(FunctionName=name, Name=alias)["FunctionVersion"]

    assert (alias, serving) == ("live", max(published[1:], key=int))  # the first is what is not published


def test_a_body_that_is_too_large_is_rejected(running: Running) -> None:
    with pytest.raises(Unexpected, match=r"returned status 413: .*too_large"):
        running.service.call("POST", "/v1/usage", {"records": [], "padding": "x" * 5_000_000})


def test_a_port_in_use_is_reported(place: Any, unused_ports: list[int]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        others = ("--port", str(unused_ports[0]), "--odoo-port", str(unused_ports[1]))
        command = [sys.executable, "-m", "local.run", "--once", *others, "--receiver-port", str(port)]
        done = subprocess.run(
            [*command, "--state", str(place.folder / "other")], capture_output=True, text=True, check=False
        )

    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1" in done.stderr
    assert "RECEIVER_PORT" in done.stderr
    assert "Traceback" not in done.stderr
