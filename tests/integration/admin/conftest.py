"""The admin function as API Gateway calls it: events in, answers out, on DynamoDB Local.

`admin` is the client: `admin.put("/v1/metrics/calls", {...})` answers an `Answer`. It asks with a key of the
scope `admin` unless it is given another (`admin.key("catalog:read")` makes one). `admin.messages` are the
bodies sent to the queues, in order, as `(queue, body)`; `admin.now` can be set. Each call is held against the
OpenAPI document.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin import access_dependencies, dependencies, overview_dependencies, webhook_dependencies
from functions.admin.handler import handler
from functions.admin.services.openapi import document
from fusion_billing.access import keys
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source, StoredKey
from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.catalog.sources import SourceStore
from local.tables import Tables
from tests.integration.admin.world_fixture import world

__all__ = ["world"]

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """An answer of the function: its status, its headers in lower case, its body as JSON."""

    status: int
    headers: dict[str, str]
    json: Any
    text: str = ""

    @property
    def code(self) -> str:
        """The problem's code."""
        assert self.headers["content-type"] == PROBLEM, self.json
        return str(self.json["code"])

    @property
    def faults(self) -> dict[str, str]:
        """Field -> code of each fault of a problem."""
        assert self.headers["content-type"] == PROBLEM, self.json
        return {fault["field"]: fault["code"] for fault in self.json["errors"]}


class Queues:
    """SQS as far as the function uses it: notes what is sent."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Any]] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.messages.append((QueueUrl, json.loads(MessageBody)))
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert 1 <= len(Entries) <= 10
        self.messages += [(QueueUrl, json.loads(entry["MessageBody"])) for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}


@dataclass
class Admin:
    """A client of the function."""

    keys: KeyStore
    sources: SourceStore
    queues: Queues
    now: datetime = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
    default_key: str = ""
    _sources_made: set[str] = field(default_factory=set)

    @property
    def messages(self) -> list[tuple[str, Any]]:
        """What was sent to the queues."""
        return self.queues.messages

    def key(
        self,
        *scopes: str,
        source: str = "src_test",
        metrics: frozenset[str] | None = None,
        plans: frozenset[str] | None = None,
        subscriptions: frozenset[str] | None = None,
    ) -> str:
        """Return a new key of `source`; two may be live at a time, so name another source for a third."""
        if source not in self._sources_made:
            self.sources.create(Source(source, "test", metrics, plans, subscriptions, created=self.now))
            self._sources_made.add(source)
        made = keys.generate()
        principal = Principal(made.id, source, frozenset(scopes), metrics, plans, subscriptions)
        self.keys.create(made.id, StoredKey(principal, made.hash, self.now))
        return made.text

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        key: str | None = None,
        raw: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the function; `raw` is a body as it is (bytes go as base64), `key=""` sends no key."""
        key = self.default_key if key is None else key
        text: str | None
        if raw is None:
            text = None if body is None else json.dumps(body)
        else:
            text = raw if isinstance(raw, str) else base64.b64encode(raw).decode()
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                **({"authorization": f"Bearer {key}"} if key else {}),
                **({"fusion-session": "1"} if headers is None else headers),
            },
            "queryStringParameters": query,
            "requestContext": {
                "stage": "$default",
                "requestId": "test",
                "http": {"method": method, "path": path},
            },
            "body": text,
            "isBase64Encoded": isinstance(raw, bytes),
        }
        answer = handler({name: value for name, value in event.items() if value is not None}, None)
        shown_headers = {name.lower(): value for name, value in answer["headers"].items()}
        is_json = "json" in shown_headers.get("content-type", "") and answer["body"]
        parsed = json.loads(answer["body"]) if is_json else None
        shown = Answer(answer["statusCode"], shown_headers, parsed, answer["body"])
        assert list(disagreements(method, path, body, shown)) == []
        return shown

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("PUT", path, body, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.call("DELETE", path, **options)


def disagreements(method: str, path: str, body: Any, answer: Answer) -> Iterator[str]:
    """Yield what the OpenAPI document says otherwise of a call that it has, of its body if that was taken."""
    operation = _documented(method, path)
    if operation is None or answer.status == 500:
        return
    response = operation["responses"].get(str(answer.status))
    if response is None:
        yield f"{method} {path} has no answer {answer.status}"
        return
    if answer.status >= 400 and answer.json["code"] not in response["x-error-codes"]:
        yield f"{method} {path} has no error code {answer.json['code']}"
    if answer.json is not None:
        kind = response["content"][answer.headers["content-type"]]
        yield from _faults(kind["schema"], answer.json)
    if answer.status < 300 and body is not None and "requestBody" in operation:
        yield from _faults(operation["requestBody"]["content"]["application/json"]["schema"], body)


def _documented(method: str, path: str) -> Any:
    paths = document()["paths"]
    for known in sorted(paths, key=lambda one: one.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path) and method.lower() in paths[known]:
            return paths[known][method.lower()]
    return None


def _faults(schema: dict[str, Any], value: Any) -> Iterator[str]:
    whole = {**schema, "components": document()["components"]}
    for error in Draft202012Validator(whole).iter_errors(value):
        yield f"{error.json_path}: {error.message}"


def _forget() -> None:
    for module in (access_dependencies, dependencies, overview_dependencies, webhook_dependencies):
        for name in vars(module):
            clear: Callable[[], None] | None = getattr(getattr(module, name), "cache_clear", None)
            if clear is not None:
                clear()


@pytest.fixture
def admin(dynamodb: DynamoDBClient, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Iterator[Admin]:
    """A client of the admin function, on empty tables."""
    for name, value in tables.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RATING_QUEUE_URL", "rating")
    monkeypatch.setenv("RELAY_QUEUE_URL", "relay")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    _forget()
    queues = Queues()
    monkeypatch.setattr(dependencies, "dynamodb", lambda: dynamodb)
    monkeypatch.setattr(dependencies, "sqs", lambda: queues)
    made = Admin(KeyStore(dynamodb, tables.catalog), SourceStore(dynamodb, tables.catalog), queues)
    monkeypatch.setattr(dependencies, "now", lambda: made.now)
    made.default_key = made.key("admin", source="src_operator")
    yield made
    monkeypatch.undo()
    _forget()
