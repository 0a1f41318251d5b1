"""A webhook receiver for local running: verifies each signature as a customer would, and keeps what it got.

It holds the endpoint's secret, verifies with the `standardwebhooks` package (not with the code that signs),
and notes every message once, by its `webhook-id`, in a file that outlives it.
"""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True, slots=True)
class Received:
    """A message whose signature was good."""

    id: str
    type: str
    data: dict[str, Any]


class Receiver:
    """Listens on `port` of loopback (0: any) and keeps what it received in `file`."""

    def __init__(self, port: int, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._secret: str | None = None
        self._received: dict[str, Received] = {}
        self.refused = 0
        self._load()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return itself; it listens already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def trust(self, secret: str) -> None:
        """Take messages signed with `secret`; until then they are refused, and so come again."""
        with self._lock:
            self._secret = secret

    def received(self) -> list[Received]:
        """Return what came with a good signature, each message once, in the order of arrival."""
        with self._lock:
            return list(self._received.values())

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Verify and note one message; return the status of the response."""
        with self._lock:
            secret = self._secret
        if secret is None:
            return 503
        try:
            payload = Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            with self._lock:
                self.refused += 1
            return 401
        message = Received(headers["webhook-id"], payload["type"], payload["data"])
        with self._lock:
            if message.id not in self._received:
                self._received[message.id] = message
                note = {"id": message.id, "type": message.type, "data": message.data}
                with self._file.open("a") as file:
                    file.write(json.dumps(note) + "\n")
        return 204

    def _load(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._file.exists():
            for line in self._file.read_text().splitlines():
                message = Received(**json.loads(line))
                self._received[message.id] = message


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers POST alone."""

        timeout = 10

        def do_POST(self) -> None:
            """Take one message."""
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(headers, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            """Log nothing: what arrives is in the table."""

    return Handler
