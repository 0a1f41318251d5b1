"""The relay function as Lambda calls it, against the stand-in Odoo."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.relay import delivery_dependencies, dependencies, handler, jobs
from fusion_billing.messaging.hops import MAX_HOPS

pytestmark = pytest.mark.integration

SAMPLES = Path(__file__).parents[3] / "events"

CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)


class Secrets:
    def __init__(self) -> None:
        self.text = "relay-key"

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        return {"SecretString": self.text}

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> None:  # noqa: N803
        self.text = SecretString


class Queue:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> dict[str, Any]:  # noqa: N803
        self.sent += [(QueueUrl, json.loads(entry["MessageBody"])) for entry in Entries]
        return {}


@pytest.fixture
def queue(world: Any, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """The function's environment; what it would send to a queue is gathered."""
    made = Queue()
    for name, value in {
        **world.tables.environment(),
        "ODOO_URL": world.server.url,
        "ODOO_DATABASE": "demo",
        "ODOO_API_KEY_SECRET_ARN": "arn:secret",
        "RELAY_QUEUE_URL": "relay",
        "RATING_QUEUE_URL": "rating",
        "ENDPOINT_KEY_ARN": "arn:key",
        "POWERTOOLS_METRICS_NAMESPACE": "FusionBilling",
        # A log of its own: each writes to the output of the test that it was made in.
        "POWERTOOLS_SERVICE_NAME": f"relay-{uuid.uuid4().hex}",
    }.items():
        monkeypatch.setenv(name, value)
    clients = {"secretsmanager": Secrets(), "sqs": made, "kms": None, "dynamodb": world.dynamodb}

    def client(service: str, **_: Any) -> Any:
        return clients[service]

    monkeypatch.setattr("fusion_billing.dynamodb.client.make", client)
    _forget()
    yield made
    _forget()


def _forget() -> None:
    for module in (dependencies, delivery_dependencies):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def records(*messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "Records": [{"messageId": str(number), "body": json.dumps(message)} for number, message in enumerate(messages)]
    }


def metrics(printed: str) -> dict[str, Any]:
    """Return the values of the last metrics that were printed."""
    found: dict[str, Any] = {}
    for line in printed.splitlines():
        document = json.loads(line) if line.startswith('{"_aws"') else {}
        found |= {name: value for name, value in document.items() if isinstance(value, list)}
    return found


def test_the_schedule_sends_due_lines_and_due_deliveries(
    world: Any, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    world.orders(41, 42)
    world.rate(41)
    world.rate(42, odoo_product_id=99)
    told = handler.handler({"job": "relay"}, CONTEXT)
    assert (told["lines"]["sent"], told["lines"]["failed"]) == (1, 1)
    assert told["deliveries"]["delivered"] == 0
    measured = metrics(capsys.readouterr().out)
    assert (measured["LinesSent"], measured["LinesFailed"]) == ([1.0], [1.0])
    assert "OldestDueDeliverySeconds" in measured


def test_a_wake_up_sends_lines_at_once_and_many_wake_ups_start_one_run(world: Any, queue: Queue) -> None:
    world.orders(41)
    key = world.rate(41)
    assert handler.handler(records(*[{"job": "lines"}] * 5), CONTEXT) == {"batchItemFailures": []}
    assert world.line(key).line.state == "sent"
    assert world.loads() == 1


def test_the_daily_reading_renews_a_key_that_expires_soon(
    world: Any, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    world.orders(41)
    soon = datetime.now(UTC) + timedelta(days=20)
    world.admin.seed({"ir.config_parameter": [{"key": "base.enable_programmatic_api_keys", "value": "True"}]})
    world.admin.expire_key("relay-key", soon.strftime("%Y-%m-%d %H:%M:%S"))

    handler.handler({"job": "sync"}, CONTEXT)
    assert "OdooKeyRenewals" not in metrics(capsys.readouterr().out)
    handler.handler({"job": "sync", "full": True}, CONTEXT)

    measured = metrics(capsys.readouterr().out)
    assert (measured["OdooKeyRenewals"], measured["OdooKeyDaysLeft"]) == ([1.0], [89.0])
    assert handler.handler({"job": "sync"}, CONTEXT)["failed"] == "", "the run after it uses the new key"


def test_of_a_batch_only_what_failed_comes_again(world: Any, queue: Queue) -> None:
    world.orders(41)
    world.rate(41)
    answer = handler.handler(records({"job": "lines"}, {"job": "dance"}, {"job": "sync"}), CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert len(world.in_odoo(41)) == 1


def test_no_lines_are_sent_without_a_configured_odoo(world: Any, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOO_URL", "")
    world.rate(41)
    assert handler.handler({"job": "relay"}, CONTEXT)["lines"] == {}
    assert handler.handler({"job": "sync"}, CONTEXT) == {}


def test_deliveries_are_sent_even_if_lines_fail(world: Any, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []
    monkeypatch.setattr(jobs, "send_deliveries", lambda *_: served.append(1))
    monkeypatch.setenv("LINE_PARTITIONS", "sideways")
    with pytest.raises(Exception, match="LINE_PARTITIONS"):
        handler.handler({"job": "relay"}, CONTEXT)
    assert served == [1]


def test_a_refused_key_is_an_alarm_at_once(world: Any, queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    world.orders(41)
    world.rate(41)
    world.admin.revoke_key("relay-key")
    handler.handler({"job": "relay"}, CONTEXT)
    measured = metrics(capsys.readouterr().out)
    assert (measured["OdooAuthErrors"], measured["OdooKeyDaysLeft"]) == ([1.0], [0.0])


def test_a_line_found_invoiced_has_its_order_read_again(world: Any, queue: Queue) -> None:
    world.orders(41)
    handler.handler({"job": "sync"}, CONTEXT)
    world.rate(41)
    handler.handler({"job": "relay"}, CONTEXT)
    world.admin.invoice_period(41)
    world.rate(41, "2.00")
    handler.handler({"job": "relay"}, CONTEXT)
    assert ("rating", {"job": "subscription", "id": "41"}) in queue.sent


def test_a_closed_period_has_its_invoices_read_at_once_and_many_of_them_in_one_go(world: Any, queue: Queue) -> None:
    world.orders(41)
    key = world.rate(41)
    handler.handler({"job": "relay"}, CONTEXT)
    world.admin.invoice_period(41)
    world.ratings.freeze(world.line(key))
    asking = [
        {"job": "invoices", "subscription": name, "period_start": "2026-11-01T00:00:00Z"} for name in ("41", "42")
    ]
    assert handler.handler(records(*asking), CONTEXT) == {"batchItemFailures": []}
    assert len(world.admin.calls("account.move.line")) == 1
    assert world.line(key).billed == 1
    assert queue.sent == [("rating", {"job": "subscription", "id": "41"})]


def test_no_key_is_ever_printed(
    world: Any, queue: Queue, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    world.orders(41)
    world.rate(41, odoo_product_id=99)
    handler.handler({"job": "relay"}, CONTEXT)
    handler.handler({"job": "sync"}, CONTEXT)
    world.admin.revoke_key("relay-key")
    world.rate(41)
    handler.handler({"job": "relay"}, CONTEXT)
    printed = capsys.readouterr()
    logged = "".join(repr(vars(record)) for record in caplog.records)
    assert "Invalid apikey" in logged
    assert "relay-key" not in printed.out + printed.err + logged


def test_the_sample_events_are_what_the_function_takes(world: Any, queue: Queue) -> None:
    world.orders(41)
    world.rate(41)
    told = {
        name: handler.handler(json.loads((SAMPLES / f"{name}.json").read_text()), CONTEXT)
        for name in ("relay", "relay-sync")
    }
    assert told["relay"]["lines"]["sent"] == 1
    assert told["relay-sync"]["read"] == 1


def test_a_reading_has_the_lines_of_changed_orders_compared_and_a_change_is_repaired(
    world: Any, queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    world.orders(41, next_invoice_date="2027-01-01", start_date="2026-12-01")
    handler.handler({"job": "sync", "full": True}, CONTEXT)
    key = world.rate(41, start=datetime(2026, 12, 1, tzinfo=UTC))
    handler.handler({"job": "relay"}, CONTEXT)
    world.admin.update_prices(41)
    queue.sent.clear()
    handler.handler({"job": "sync"}, CONTEXT)
    message = {"job": "guard", "subscriptions": ["41"]}
    assert ("relay", message) in queue.sent
    capsys.readouterr()
    assert handler.handler(records(message), CONTEXT) == {"batchItemFailures": []}
    measured = metrics(capsys.readouterr().out)
    assert (measured["LinesCompared"], measured["LinesChanged"], measured["LinesRepaired"]) == ([1], [1], [1])
    assert queue.sent[-1] == ("relay", {"job": "lines"})
    handler.handler(records({"job": "lines"}), CONTEXT)
    assert world.in_odoo(41)[0]["price_subtotal"] == 1
    assert world.line(key).line.state == "sent"


@pytest.mark.parametrize("event", [{"job": "guard"}, {"job": "guard", "closing": True}])
def test_the_schedules_compare_lines(world: Any, queue: Queue, event: dict[str, Any]) -> None:
    assert handler.handler(event, CONTEXT)["goes_on"] is False


def test_a_guard_that_is_none_is_refused(world: Any, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINE_GUARD", "fight")
    with pytest.raises(Exception, match="LINE_GUARD must be one of repair, report"):
        handler.handler({"job": "guard"}, CONTEXT)


def furthest(message: dict[str, Any], hops: int) -> dict[str, Any]:
    event = records(message)
    event["Records"][0]["messageAttributes"] = {"hops": {"stringValue": str(hops)}}
    return event


def test_a_wake_up_at_the_end_of_a_long_chain_is_dropped_and_the_schedule_does_its_work(
    world: Any, queue: Queue
) -> None:
    world.orders(41)
    key = world.rate(41)
    assert handler.handler(furthest({"job": "lines"}, MAX_HOPS + 1), CONTEXT) == {"batchItemFailures": []}
    assert world.line(key).line.state == "due"
    handler.handler({"job": "relay"}, CONTEXT)
    assert world.line(key).line.state == "sent"


def test_another_job_at_the_end_of_a_long_chain_fails(world: Any, queue: Queue) -> None:
    sync = {"job": "sync", "full": True, "after": 41}
    assert handler.handler(furthest(sync, MAX_HOPS + 1), CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert handler.handler(furthest(sync, MAX_HOPS), CONTEXT) == {"batchItemFailures": []}
