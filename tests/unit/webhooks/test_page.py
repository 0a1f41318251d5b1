"""docs/webhooks.md and docs/events/ match the code, and the receiver that is shown works."""

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
from local.webhook_catalog import DOCS, FAMILIES, OVERVIEW, pages, with_overview

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_generated_pages_are_current() -> None:
    current = {path: path.read_text() for path in (DOCS / "events").iterdir()}
    assert current == pages(), "run: make docs"


def test_the_list_of_events_is_current() -> None:
    page = OVERVIEW.read_text()
    assert with_overview(page) == page, "run: make docs"


def test_every_event_has_a_page() -> None:
    assert [event.name for _, events in FAMILIES.values() for event in events] == list(EVENT_TYPES)


def test_a_page_without_markers_is_rejected() -> None:
    with pytest.raises(ValueError, match="no markers"):
        with_overview("# Webhooks\n")


def test_every_event_has_an_example_that_matches_its_schema() -> None:
    documents = [json.loads(block) for page in pages().values() for block in blocks(page, "json")]
    examples = {document["type"]: document for document in documents if "timestamp" in document}
    schemas = [document for document in documents if "properties" in document]
    assert list(examples) == list(EVENT_TYPES)
    assert len(schemas) == len(EVENT_TYPES)
    for example, schema in zip(examples.values(), schemas, strict=True):
        assert list(example) == ["type", "timestamp", "data"]
        jsonschema.validate(example["data"], schema)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Run the Python receiver of the page, and return its port."""
    (source,) = blocks(OVERVIEW.read_text(), "python")
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    module: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(source, str(OVERVIEW), "exec"), module)
    receiver: type[BaseHTTPRequestHandler] = type("Quiet", (module["Receiver"],), {"log_message": lambda *_: None})
    server = HTTPServer(("127.0.0.1", 0), receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_receiver_accepts_a_signed_event_once_and_rejects_others(
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
