"""`POST /v1/usage` in memory, with faults: what a counter comes to in the service, whatever happens on the way.

    python tests/fake_ingest.py --lost 0.2 --failed 0.1 --unavailable 0.1 --late 0.1

It prints its address, and ends when its standard input does. `GET /records` lists what is stored, `POST /faults`
changes the faults, `POST /reset` forgets everything.
"""

import argparse
import json
import random
import socket
import sys
import threading
from collections.abc import Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TARGET = ("subscription", "metric", "period_start", "period_end", "properties")


class Store:
    """The stored records, and the outcome of each push as `docs/usage.md` has it."""

    def __init__(self, faults: Mapping[str, float]) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.faults = dict(faults)
        self.random = random.Random(7)
        self.pushes = 0
        self._late: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    def control(self, path: str, body: dict[str, Any]) -> None:
        if path == "/faults":
            self.faults = body
        else:
            self.records.clear()
            self._late = []

    def happens(self, fault: str) -> bool:
        return self.random.random() < self.faults.get(fault, 0)

    def push_all(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        self.pushes += 1
        results = [self._result(index, record) for index, record in enumerate(records)]
        if self.happens("late"):  # a request that a network held back, and delivers once more now
            for record in self._late:
                self._push(record)
        if self.happens("late"):
            self._late = [dict(record) for record in records]
        return {"results": results, "summary": {}}

    def _result(self, index: int, record: dict[str, Any]) -> dict[str, Any]:
        outcome = "unavailable" if self.happens("unavailable") else self._push(record)
        result = {"index": index, "idempotency_key": record["idempotency_key"], "outcome": outcome, "revision": 1}
        if outcome in {"invalid", "conflict"}:
            error = {"field": "subscription", "code": "unknown_subscription", "message": "does not exist"}
            detail = "subscription: does not exist"
            result["error"] = {"code": "unknown_subscription", "detail": detail, "errors": [error], "errors_total": 1}
        return result

    def _push(self, record: dict[str, Any]) -> str:
        if record["subscription"].startswith("unknown"):
            return "invalid"
        key = record["idempotency_key"]
        stored = self.records.get(key)
        if stored is None:
            self.records[key] = dict(record)
            return "created"
        if any(stored.get(name) != record.get(name) for name in TARGET):
            return "conflict"
        is_newer = "sequence" not in record or record["sequence"] > stored.get("sequence", -1)
        if Decimal(stored["quantity"]) == Decimal(record["quantity"]) and stored.get("member") == record.get("member"):
            if is_newer:
                self.records[key] = dict(record)
            return "unchanged"
        if is_newer:
            self.records[key] = dict(record)
            return "updated"
        return "stale"


def handler(store: Store) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])) or "{}")
            with store.lock:
                if self.path != "/v1/usage":
                    store.control(self.path, body)
                    self._send(200, {})
                elif store.happens("failed"):
                    self._send(503, {"code": "unavailable", "detail": "try again", "status": 503})
                elif store.happens("unsent"):
                    self._hang_up()
                else:
                    response = store.push_all(body["records"])
                    self._send(207, response, is_lost=store.happens("lost"))

        def do_GET(self) -> None:
            with store.lock:
                self._send(200, {"records": list(store.records.values()), "pushes": store.pushes})

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _send(self, status: int, document: dict[str, Any], *, is_lost: bool = False) -> None:
            if is_lost:
                self._hang_up()
                return
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    for fault in ("lost", "failed", "unavailable", "unsent", "late"):
        parser.add_argument(f"--{fault}", type=float, default=0.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Store(vars(parser.parse_args()))))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
