"""What a count costs, and what it survives: the meter, SQLite alone, and the buffers of other billing clients.

    python bench/bench_meter.py [COUNTS]

All in one run, one thread, against one server on loopback that accepts everything at once. `of CPU` is what one core
could do: processor time of the process, its background thread included. Other clients are measured if installed:
`pip install lago-python-client openmeter==1.0.0b236`. They keep no ledger: an event is sent when it is created, or
kept in memory by the app until it sends a batch.
"""

import importlib.util
import json
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fusion_billing_client import Client, Meter

COUNTS = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
FEW = 300


class Accepting(BaseHTTPRequestHandler):
    """Accepts everything."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        """Accept a body."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or "{}")
        records = body.get("records", []) if isinstance(body, dict) else []
        results = [{"index": index, "outcome": "created", "revision": 1} for index in range(len(records))]
        content = json.dumps({"results": results, "event": {}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


def measure(name: str, count: Callable[[], object], times: int, finish: Callable[[], object] = lambda: None) -> float:
    """Print and return how many counts a second of processor time a way of counting takes."""
    count()
    began, processor = time.perf_counter(), time.process_time()
    for _ in range(times):
        count()
    finish()
    elapsed, used = time.perf_counter() - began, time.process_time() - processor
    print(f"{name:58} {times / elapsed:>10,.0f}/s {times / used:>10,.0f}/s of CPU")
    return times / elapsed


def measure_meter(folder: Path, url: str, durability: Any, times: int, **properties: str) -> float:
    """Measure `Meter.count`, with everything folded and pushed in the end."""
    meter = Meter(Client(url, "key"), folder / f"{durability}{len(properties)}.db", durability=durability)
    name = f"Meter.count, durability={durability!r}{', a property' if properties else ''}"
    found = measure(name, lambda: meter.count("42", "api_calls", 3, **properties), times, meter.flush)
    meter.close()
    return found


def measure_sqlite(folder: Path, synchronous: str, times: int) -> float:
    """Measure one transaction a count, without the meter's journal."""
    connection = sqlite3.connect(folder / f"{synchronous}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE counters (key TEXT PRIMARY KEY, quantity INTEGER) WITHOUT ROWID")
    sql = "INSERT INTO counters VALUES (?, ?) ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity"
    found = measure(
        f"SQLite, one transaction a count, synchronous={synchronous}", lambda: connection.execute(sql, ("42", 3)), times
    )
    connection.close()
    return found


def measure_lago(url: str) -> float | None:
    """Measure lago-python-client."""
    if importlib.util.find_spec("lago_python_client") is None:
        return None
    from lago_python_client.client import Client as Lago
    from lago_python_client.models import Event

    client = Lago(api_key="key", api_url=url)

    def create() -> None:
        with suppress(Exception):  # it can't read the response, after it was sent
            client.events.create(
                Event(transaction_id=str(time.time_ns()), external_subscription_id="42", code="api_calls")
            )

    return measure("lago-python-client, events.create", create, FEW)


def measure_openmeter(url: str) -> float | None:
    """Measure openmeter."""
    if importlib.util.find_spec("openmeter") is None:
        return None
    from openmeter import Client as OpenMeter

    client = OpenMeter(endpoint=url, token="token")

    def ingest() -> None:
        event = {"id": str(time.time_ns()), "specversion": "1.0", "source": "app", "type": "api_calls", "subject": "42"}
        with suppress(Exception):
            client.events.ingest_event(event)

    return measure("openmeter, events.ingest_event", ingest, FEW)


def main() -> None:
    """Measure everything, and print ratios."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Accepting)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = measure_meter(folder, url, "process", COUNTS)
        measure_meter(folder, url, "process", COUNTS, region="eu")
        measure_meter(folder, url, "power", min(COUNTS, 5_000))
        for synchronous, times in (("OFF", COUNTS // 4), ("NORMAL", COUNTS // 4), ("FULL", 2_000)):
            measure_sqlite(folder, synchronous, times)
    for name, other in (("lago-python-client", measure_lago(url)), ("openmeter", measure_openmeter(url))):
        print(f"Meter.count to {name}: " + ("not installed" if other is None else f"{own / other:,.0f} times as many"))


if __name__ == "__main__":
    main()
