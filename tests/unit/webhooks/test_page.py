"""docs/webhooks.md: its catalogue is the code's, and its receiver does what it says."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jsonschema
import pytest

from fusion_billing.webhooks.events.registry import EVENT_TYPES
from fusion_billing.webhooks.signing import sign
from local.webhook_catalogue import PAGE, current

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_catalogue_is_current() -> None:
    page = PAGE.read_text()
    assert current(page) == page, "run: python -m local.webhook_catalogue"


def test_a_page_without_a_place_for_the_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        current("# Webhooks\n")


def test_every_event_has_its_example_and_its_schema_and_they_agree() -> None:
    documents = [json.loads(block) for block in blocks("json")]
    examples = {one["type"]: one for one in documents if "timestamp" in one}
    schemas = [one for one in documents if "properties" in one]
    assert list(examples) == list(EVENT_TYPES)
    assert len(schemas) == len(EVENT_TYPES)
    for example, schema in zip(examples.values(), schemas, strict=True):
        assert list(example) == ["type", "timestamp", "data"]
        jsonschema.validate(example["data"], schema)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The page's Python receiver, running."""
    (source,) = blocks("python")
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    module: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(source, str(PAGE), "exec"), module)
    receiver: type[BaseHTTPRequestHandler] = type("Quiet", (module["Receiver"],), {"log_message": lambda *_: None})
    server = HTTPServer(("127.0.0.1", 0), receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_pages_receiver_takes_what_is_signed_once_and_refuses_the_rest(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    body = b'{"type":"rating.updated","data":{"sequence":1}}'
    now = int(datetime.now(UTC).timestamp())

    def send(sent: bytes) -> int:
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(now),
            "webhook-signature": sign(SECRET, "msg_1", now, body),
        }
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/", sent, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    assert [send(body), send(body), send(body + b" ")] == [204, 204, 401]
    assert capsys.readouterr().out == "rating.updated {'sequence': 1}\n"
