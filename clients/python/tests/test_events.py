"""`fusion tail` and `fusion listen`: events as they come, once each, signed as the service signs them."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

SECRET = "whsec_" + base64.b64encode(b"a secret of the test, of 32 bytes").decode()
EVENTS = [
    {
        "id": f"msg_{number}",
        "type": "rating.updated" if number % 2 else "line.upserted",
        "timestamp": f"2026-11-03T00:00:0{number}Z",
        "data": {"subscription": "42", "number": number},
    }
    for number in range(4)
]


class Both:
    """A service that lists events, the newest first, and a receiver that notes what it gets."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        both = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                found = [event for event in reversed(EVENTS) if str(event["timestamp"]) >= query["since"][0]]
                first = int(query.get("cursor", ["0"])[0])
                cursor = str(first + 2) if first + 2 < len(found) else None
                self._send(200, json.dumps({"items": found[first : first + 2], "cursor": cursor}).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                both.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self._send(both.status, b"")

            def _send(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def fusion(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "FUSION_BASE_URL": self.url, "FUSION_KEY": "fb_test"}
        command = [sys.executable, "-m", "fusion_billing_client.cli.main", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def both() -> Iterator[Both]:
    made = Both()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_tail_prints_events_in_their_order(both: Both) -> None:
    done = both.fusion("tail", "--once", "--since", "2026-11-03T00:00:01Z")
    assert done.stdout.splitlines() == [
        "2026-11-03T00:00:01Z  msg_1  rating.updated  42",
        "2026-11-03T00:00:02Z  msg_2  line.upserted  42",
        "2026-11-03T00:00:03Z  msg_3  rating.updated  42",
    ]
    printed = both.fusion("tail", "--once", "--since", "2026-11-03T00:00:03Z", "--json").stdout
    assert json.loads(printed) == EVENTS[3]


def test_listen_forwards_signed_webhooks(both: Both) -> None:
    forward = ("listen", "--once", "--since", "2026-11-03T00:00:00Z", "--forward-to", f"{both.url}/hooks")
    done = both.fusion(*forward, "--secret", SECRET)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "msg_0  line.upserted  204")
    assert SECRET not in done.stdout + done.stderr
    assert [headers["webhook-id"] for headers, _ in both.received] == ["msg_0", "msg_1", "msg_2", "msg_3"]
    for (headers, body), event in zip(both.received, EVENTS, strict=True):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert json.loads(body) == {name: event[name] for name in ("type", "timestamp", "data")}


def test_listen_shows_a_new_secret_once_and_counts_what_was_not_received(both: Both) -> None:
    both.status = 500
    forward = ("listen", "--once", "--since", "2026-11-03T00:00:02Z", "--forward-to", f"{both.url}/hooks")
    done = both.fusion(*forward)
    assert done.returncode == 1
    secret, error = done.stderr.splitlines()
    assert secret.startswith("Verify with WEBHOOK_SECRET=whsec_")
    assert error == "fusion: 2 events were not received. Begin earlier with --since to send them again"
