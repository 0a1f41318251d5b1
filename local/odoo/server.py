"""The HTTP server: one request a connection, on 127.0.0.1 only."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from local.odoo import controls, json2, rpc
from local.odoo.admin import Admin
from local.odoo.engine import SERIES, StandIn, utc_now
from local.odoo.environment import Clock
from local.odoo.faults import GatewayAnswer, Hangup
from local.odoo.json2 import Request, Response, as_html, as_json
from local.odoo.seed import ensure_base

HOST = "127.0.0.1"
READ_TIMEOUT_SECONDS = 60
GATEWAY = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"
REASONS = {
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


class Server:
    """A running stand-in: its `url`, its `admin`, and whether it listens at all."""

    def __init__(self, stand_in: StandIn, port: int = 0) -> None:
        self.stand_in = stand_in
        self.admin = _ServerAdmin(stand_in, self)
        self._listener: _Listener | None = None
        self._changing = threading.Lock()
        self._timer: threading.Timer | None = None
        self.port = port
        self.up()

    @property
    def url(self) -> str:
        """Return the base address, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    def up(self) -> None:
        """Listen (again), on the port first given out."""
        with self._changing:
            if self._listener is None:
                self._listener = _Listener(self, self.port)
                self.port = self._listener.server_address[1]
                threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def down(self, seconds: float | None = None) -> None:
        """Refuse connections; for some seconds only, where given."""
        with self._changing:
            if self._listener is not None:
                self._listener.shutdown()
                self._listener.server_close()
                self._listener = None
        if seconds is not None:
            self._timer = threading.Timer(seconds, self.up)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """Stop listening and close the state's file."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        self.down()
        self.stand_in.close()

    def response(self, request: Request) -> Response:
        """Answer one request; lets `Hangup` pass."""
        try:
            return self._routed(request)
        except GatewayAnswer as gateway:
            title = f"{gateway.status} {REASONS.get(gateway.status, 'Error')}"
            page = as_html(GATEWAY.format(title), gateway.status)
            headers = {} if gateway.retry_after is None else {"Retry-After": str(gateway.retry_after)}
            return Response(page.status, page.content_type, page.body, headers)

    def _routed(self, request: Request) -> Response:
        path = request.path
        if path.startswith(controls.PREFIX):
            return controls.response(self.admin, request)
        if path.startswith(rpc.PATHS):
            return rpc.response(self.stand_in, request)
        if not self.stand_in.database_up:
            # As Odoo answers while PostgreSQL is down: no database is found, whatever its name.
            if path == "/web/health":
                return as_json({"status": "fail", "db_server_status": False}, 500)
            return as_html("<h1>Not Found</h1>", 404)
        series = self.stand_in.series
        if path.startswith(json2.PREFIX) and series == "19.0":
            return json2.response(self.stand_in, request)
        about = rpc.version(series)
        version = {"version_info": about["server_version_info"], "version": series}
        fixed: dict[str, Any] = {
            "/web/version": version,
            "/json/version": version,
            "/web/health": {"status": "pass", "db_server_status": True},
            "/web/webclient/version_info": {"jsonrpc": "2.0", "id": None, "result": about},
        }
        return as_json(fixed[path]) if path in fixed else as_html("<h1>Not Found</h1>", 404)


class _ServerAdmin(Admin):
    """The controls that need the server itself, beside all others."""

    def __init__(self, stand_in: StandIn, server: Server) -> None:
        super().__init__(stand_in)
        self._server = server

    def down(self, seconds: float) -> bool:
        """Refuse connections from now on, for some seconds."""
        threading.Thread(target=self._server.down, args=(seconds,), daemon=True).start()
        return True

    def database(self, up: bool) -> bool:  # noqa: FBT001
        """Start or stop the PostgreSQL behind Odoo; Odoo itself still responds."""
        self._server.stand_in.database_up = up
        return True


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, server: Server, port: int) -> None:
        self.stand_in_server = server
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet when a client went away; anything else is shown."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "StandIn"
    timeout: ClassVar[float] = READ_TIMEOUT_SECONDS
    server: _Listener

    def do_POST(self) -> None:
        self.close_connection = True
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            self.path.partition("?")[0],
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        try:
            response = self.server.stand_in_server.response(request)
        except Hangup:
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_POST  # noqa: N815
    do_PUT = do_POST  # noqa: N815
    do_DELETE = do_POST  # noqa: N815
    do_PATCH = do_POST  # noqa: N815
    do_HEAD = do_POST  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server gives it
        """Write nothing: the journal knows every call."""


@contextmanager
def serve(
    state_path: Path | str,
    port: int = 0,
    *,
    database: str = "demo",
    series: str = SERIES[-1],
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Server]:
    """Run a stand-in on `state_path` (made where missing) while the block runs.

    `port` 0 takes a free one; `series` is the Odoo it plays (`17.0` and `18.0` have no JSON-2).
    Raises `OSError` where the port is taken.
    """
    stand_in = StandIn(state_path, database=database, series=series, clock=clock, sleep=sleep)
    try:
        ensure_base(stand_in)
        server = Server(stand_in, port)
    except BaseException:
        stand_in.close()
        raise
    try:
        yield server
    finally:
        server.stop()
