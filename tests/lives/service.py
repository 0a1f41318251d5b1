"""The service as AWS runs it, in one process and in memory: its four handlers, its queues, its clock.

Nothing of the product is replaced but what it calls: DynamoDB, SQS, Odoo, the clock, and threads, which run
one after the other so that a life can be played again.
"""

import base64
import json
import pkgutil
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import functions.admin.dependencies
import functions.admin.handler
import functions.ingest.handler
import functions.rate.dependencies
import functions.rate.handler
import functions.relay.dependencies
import functions.relay.handler
import functions.relay.jobs
import fusion_billing
from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source, StoredKey
from fusion_billing.dynamodb import client as store_client
from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.catalog.sources import SourceStore
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.odoo import client as odoo_client
from fusion_billing.webhooks.endpoint import Endpoint
from local import tables as template_tables
from local.odoo.admin import Admin
from local.odoo.engine import StandIn
from local.tables import Tables
from tests.lives import odoo, window_keys
from tests.lives.api import api_event
from tests.lives.killing import Kill, Killed, Killer
from tests.memory_dynamodb import MemoryDynamoDB, MemorySQS

for _package in (functions, fusion_billing):  # what is imported late would miss the patches
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        if not _module.name.endswith("__main__"):
            import_module(_module.name)

RATING, RELAY = "rating", "relay"
CONTEXT: Any = SimpleNamespace(
    get_remaining_time_in_millis=lambda: 300_000, aws_request_id="life", function_name="life"
)
DEFINITIONS = template_tables.definitions()
_MOST_RECEIVED = 5


class Clock:
    """The one clock of a life; sleeping moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def seconds(self) -> float:
        """Return the time as a monotonic clock has it."""
        return self.now.timestamp()


class InTurn(futures.Executor):
    """An executor whose work is done when it is submitted: a killed process dies there and then."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Do the work at once."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except Exception as error:  # noqa: BLE001  it is the future's
            future.set_exception(error)
        return future

    def map(  # type: ignore[override]
        self, work: Callable[..., Any], *arguments: Iterable[Any], **_: Any
    ) -> Iterator[Any]:
        """Do the work at once, in order."""
        return iter([work(*each) for each in zip(*arguments, strict=False)])


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    body: Any


@dataclass
class Service:
    """The whole service; `with service(...)` makes one."""

    clock: Clock
    killer: Killer
    dynamodb: MemoryDynamoDB
    sqs: MemorySQS
    tables: Tables
    stand_in: StandIn
    odoo: Admin
    key: str = ""
    failures: list[str] = field(default_factory=list)

    # --- processes ---

    def run(self, work: Callable[[], Any], kill: Kill | None = None) -> Any:
        """Run a process; None where it was killed, and then its containers are gone."""
        try:
            with self.killer.process(kill):
                return work()
        except Killed:
            self.restart()
            return None

    def restart(self) -> None:
        """Have every function begin in a new container."""
        for name, module in list(sys.modules.items()):
            if name.startswith("functions."):
                for value in list(vars(module).values()):
                    if hasattr(value, "cache_clear"):
                        value.cache_clear()

    def listen(self) -> None:
        """Have an endpoint listen to all events: what is told of is written in transactions from now on."""
        endpoint = Endpoint("ep_life", "src_life", "https://hooks.invalid", ("*",), self.clock.now)
        client: Any = self.dynamodb
        EndpointStore(client, self.tables.webhooks).create(endpoint)

    # --- HTTP ---

    def push(self, body: Mapping[str, Any], kill: Kill | None = None) -> Answer | None:
        """Push usage; None where the function was killed before it answered."""
        event = api_event("POST", "/v1/usage", window_keys.as_sent(body), key=self.key, now=self.clock.now)
        answer = self._answered(self.run(lambda: functions.ingest.handler.handler(event, CONTEXT), kill))
        if answer is not None and answer.status < 400:
            self.failures += window_keys.wrong_keys(body, answer.body)
        return answer

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, kill: Kill | None = None
    ) -> Answer | None:
        """Call the admin function."""
        event = api_event(method, path, body, key=self.key, now=self.clock.now)
        return self._answered(self.run(lambda: functions.admin.handler.handler(event, CONTEXT), kill))

    def _answered(self, answer: Any) -> Answer | None:
        if answer is None:
            return None
        text = answer.get("body") or ""
        if answer.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        status = int(answer["statusCode"])
        if status >= 500:
            self.failures.append(f"{status}: {text}")
        return Answer(status, json.loads(text) if text else None)

    # --- schedules and queues ---

    def rate(self, job: str, kill: Kill | None = None) -> None:
        """Run a schedule of rating: `plan` or `sweep`."""
        self.run(lambda: functions.rate.handler.handler({"job": job}, CONTEXT), kill)

    def relay(self, event: Mapping[str, Any], kill: Kill | None = None) -> Any:
        """Run a schedule of the relay's: `{"job": "relay"}`, `{"job": "sync", "full": true}`."""
        return self.run(lambda: functions.relay.handler.handler(dict(event), CONTEXT), kill)

    def work(self, queue: str, most: int = 10, kill: Kill | None = None, *, shuffle: bool = False) -> int:
        """Have a queue's consumer do what is visible; what it did not do comes again. Return how many."""
        messages = self.sqs.receive(queue, most)
        if shuffle:
            random.shuffle(messages)
        for message in messages:
            handler = functions.rate.handler.handler if queue == RATING else functions.relay.handler.handler
            event = {"Records": [{"messageId": message.id, "body": message.body}]}
            answer = self.run(lambda event=event, handler=handler: handler(event, CONTEXT), kill)  # type: ignore[misc]
            if answer is not None and not answer["batchItemFailures"]:
                continue
            if message.received < _MOST_RECEIVED:
                self.sqs.put_back(queue, message, delay=120)
            else:
                self.failures.append(f"a message is dead: {message.body}")
            if answer is None:
                kill = None  # one death is enough
        return len(messages)


@contextmanager
def service(start: datetime, rating_cadence: str = "1h") -> Iterator[Service]:
    """Give a service with nothing in it but a key of the scope `admin`."""
    clock, killer = Clock(start), Killer()
    dynamodb, sqs = MemoryDynamoDB(killer), MemorySQS(clock.seconds, killer)
    tables = template_tables.create(dynamodb, DEFINITIONS)  # type: ignore[arg-type]
    dynamodb.table(tables.markers).created = start
    with ExitStack() as stack:
        stand_in, admin = stack.enter_context(odoo.stand_in(lambda: clock.now))
        made = Service(clock, killer, dynamodb, sqs, tables, stand_in, admin)
        for patched in _patches(made, rating_cadence):
            stack.enter_context(patched)
        made.restart()
        made.key = operator(dynamodb, tables, start)
        try:
            yield made
        finally:
            made.restart()


def _patches(made: Service, rating_cadence: str) -> Iterator[Any]:
    clock = made.clock
    secrets = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": json.dumps({"keys": [odoo.KEY]})})
    clients = {"dynamodb": made.dynamodb, "sqs": made.sqs, "secretsmanager": secrets, "kms": None}

    def make(service: str, **_: Any) -> Any:
        client = clients[service]
        # Each function reads in its own way, so each has a client of its own.
        return client.another(made.killer) if isinstance(client, MemoryDynamoDB) else client

    class Virtual(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return clock.now.astimezone(tz)

    yield patch.dict("os.environ", environment(made.tables, rating_cadence))
    yield patch.object(store_client, "make", make)
    yield patch.object(odoo_client, "Http", lambda *_, **__: odoo.Http(made.stand_in, made.killer))
    yield patch.object(functions.relay.jobs, "send_deliveries", lambda *_, **__: {})  # events are not sent
    yield patch.object(time, "monotonic", clock.seconds)
    yield patch.object(time, "sleep", clock.sleep)
    for name, module in list(sys.modules.items()):
        if name.startswith(("functions.", "fusion_billing.")):
            if hasattr(module, "ThreadPoolExecutor"):
                yield patch.object(module, "ThreadPoolExecutor", InTurn)
            if name.endswith((".dependencies", ".handler")) and hasattr(module, "datetime"):
                yield patch.object(module, "datetime", Virtual)


def environment(tables: Tables, rating_cadence: str = "1h") -> dict[str, str]:
    """Return the settings of all functions."""
    return {
        **tables.environment(),
        "ODOO_URL": "http://odoo.invalid",
        "ODOO_DATABASE": "demo",
        "ODOO_API_KEY_SECRET_ARN": "arn:secret",
        "RELAY_QUEUE_URL": RELAY,
        "RATING_QUEUE_URL": RATING,
        "ENDPOINT_KEY_ARN": "arn:key",
        "POWERTOOLS_METRICS_NAMESPACE": "FusionBilling",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "LOG_LEVEL": "critical",
        # One subscription needs no spreading, and most of a life's time would go into asking empty shards.
        "CHANGE_SHARDS": "1",
        # A life's requests come as fast as they can, and counting them would depend on real time.
        "CALLER_REQUESTS_PER_SECOND": "0",
        "LINE_PARTITIONS": "2",
        "RATING_CADENCE": rating_cadence,
    }


def operator(dynamodb: MemoryDynamoDB, tables: Tables, now: datetime) -> str:
    """Create a source and its key of the scope `admin`; return the key."""
    client: Any = dynamodb
    SourceStore(client, tables.catalog).create(Source("src_life", "life", created=now))
    made = key_format.generate()
    principal = Principal(made.id, "src_life", frozenset({"admin"}))
    KeyStore(client, tables.catalog).create(made.id, StoredKey(principal, made.hash, now))
    return made.text


__all__ = ["RATING", "RELAY", "UTC", "Answer", "Clock", "Service", "service"]
