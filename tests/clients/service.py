"""The service on a port of this machine, for the tests of the clients: the real handlers on tables in memory.

    python -m tests.clients.service

It prints one line of JSON: its address and a key of the scope `admin`. It has the catalog of the
demo, and ends when its standard input does. Four routes are for tests alone: `POST /test/rate` does what the hourly
schedule does, `POST /test/relay` what the two-minute one does, `GET /test/order-lines` lists Odoo's lines, and
`POST /test/now` (`{"now": ...}`) sets the clock, which otherwise is the machine's.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TextIO
from unittest.mock import patch
from urllib.parse import parse_qsl

import functions.admin.handler
import functions.ingest.handler
from functions.admin import webhook_dependencies
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from local.demo import catalog
from tests.integration.admin.world import FakeKms, resolve_host
from tests.lives.service import CONTEXT, RATING, RELAY, Service, service

_DATES = {
    "4101": ("2026-01-01", "2026-11-01"),
    "4102": ("2026-01-31", "2026-10-31"),
    "4103": ("2026-01-15", "2027-01-15"),
    "4104": ("2026-03-20", "2026-10-20"),
}
SUBSCRIPTIONS = {
    id_: {**catalog.SUBSCRIPTIONS[id_], "start_date": start, "next_invoice_date": following}
    for id_, (start, following) in _DATES.items()
}
"""The demo's subscriptions, at fixed dates."""


class Kms(FakeKms):
    """KMS that hides nothing."""

    def decrypt(self, *, CiphertextBlob: bytes, **_: Any) -> dict[str, bytes]:  # noqa: N803
        return {"Plaintext": CiphertextBlob}


class Running:
    """The service, called by one request at a time."""

    def __init__(self, made: Service) -> None:
        self._service = made
        self._lock = threading.Lock()
        self._fixed: datetime | None = None

    def respond(self, method: str, target: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """Return the response of a function, or of a test's own route."""
        path, _, query = target.partition("?")
        with self._lock:
            self._service.clock.now = self._fixed or datetime.now(UTC)
            if path.startswith("/test/"):
                done = self._controls[path.removeprefix("/test/")](self, json.loads(body or b"{}"))
                return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(done)}
            event = _event(method, path, query, headers, body)
            is_push = (method, path) == ("POST", "/v1/usage")
            handler: Callable[..., dict[str, Any]] = (
                functions.ingest.handler.handler if is_push else functions.admin.handler.handler
            )
            response = handler(event, CONTEXT)
            self._work(RATING)
            return response

    def _work(self, queue: str) -> None:
        while self._service.work(queue):
            pass

    def _rate(self, _: dict[str, Any]) -> list[str]:
        self._service.rate("plan")
        self._work(RATING)
        return self._service.failures

    def _relay(self, _: dict[str, Any]) -> list[str]:
        self._work(RELAY)
        self._service.relay({"job": "relay"})
        return self._service.failures

    def _order_lines(self, _: dict[str, Any]) -> Any:
        lines = self._service.odoo.read("sale.order.line", [])
        return json.loads(json.dumps(lines, default=str))

    def _now(self, given: dict[str, Any]) -> str:
        self._fixed = datetime.fromisoformat(given["now"]) if given.get("now") else None
        return str(self._fixed)

    _controls: ClassVar[dict[str, Callable[["Running", dict[str, Any]], Any]]] = {
        "rate": _rate,
        "relay": _relay,
        "order-lines": _order_lines,
        "now": _now,
    }


def _event(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)) if query else None,
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            "requestId": "test",
            "stage": "$default",
        },
        "body": body.decode("utf-8", "surrogateescape") if body else None,
        "isBase64Encoded": False,
    }
    return {name: value for name, value in event.items() if value is not None}


def _handler(running: Running) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body in one segment

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = running.respond(self.command, self.path, headers, body)
            content = (response.get("body") or "").encode()
            self.send_response(response["statusCode"])
            for name, value in response.get("headers", {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815  names of the standard library

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _seed(made: Service) -> None:
    made.odoo.seed(catalog.odoo_records(SUBSCRIPTIONS))
    for kind, definitions in (
        ("metrics", catalog.METRICS),
        ("charges", catalog.CHARGES),
        ("subscriptions", SUBSCRIPTIONS),
    ):
        for name, definition in definitions.items():
            answer = made.call("PUT", f"/v1/{kind}/{name}", definition)
            assert answer is not None
            assert answer.status == 201, answer.body


def main() -> None:
    """Serve until the standard input ends."""
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the functions log to it
        _serve(output)


def _serve(output: TextIO) -> None:
    with (
        service(datetime.now(UTC)) as made,
        patch.object(webhook_dependencies, "kms", Kms),
        patch.object(webhook_dependencies, "guard", lambda: SsrfGuard(resolver=resolve_host)),
    ):
        _seed(made)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(Running(made)))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(
            json.dumps({"base_url": f"http://127.0.0.1:{server.server_port}", "key": made.key}), file=output, flush=True
        )
        sys.stdin.read()


if __name__ == "__main__":
    main()
